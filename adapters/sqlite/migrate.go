package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewerSchema says that a later build has migrated the file.
var ErrNewerSchema = errors.New("schema is newer than this build")

// errOlderSchema says that a file has not been opened by this build yet.
var errOlderSchema = errors.New("schema is older than this build: start the gateway first")

// checkSchema is migrate where nothing may be written.
func checkSchema(ctx context.Context, db *sql.DB, schema fs.FS, folder string) error {
	files, err := fs.Glob(schema, folder+"/*.sql")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("reading migrations: %w", err)
	}
	latest, err := goose.NumericComponent(files[len(files)-1]) // Glob sorts them
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	var current int64
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&current); err != nil {
		return fmt.Errorf("reading schema version: %w", classify(err))
	}
	switch {
	case current > latest:
		return fmt.Errorf("schema %d, this build knows %d: %w", current, latest, ErrNewerSchema)
	case current < latest:
		return fmt.Errorf("schema %d, this build needs %d: %w", current, latest, errOlderSchema)
	}
	return nil
}

// migrate applies what is missing of the migrations in folder, each in its own
// transaction, so that a crash leaves a schema that can be continued.
func migrate(ctx context.Context, db *sql.DB, schema fs.FS, folder string) error {
	sub, err := fs.Sub(schema, folder)
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	current, latest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading schema version: %w", classify(err))
	}
	if current > latest {
		return fmt.Errorf("schema %d, this build knows %d: %w", current, latest, ErrNewerSchema)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema %d to %d: %w", current, latest, classify(err))
	}
	return nil
}
