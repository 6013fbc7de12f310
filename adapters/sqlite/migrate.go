package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/pro-sms/prosms/migrations"
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
		return fmt.Errorf("reading schema version: %w", unread(err))
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
		return fmt.Errorf("reading schema version: %w", unread(err))
	}
	if current > latest {
		return fmt.Errorf("schema %d, this build knows %d: %w", current, latest, ErrNewerSchema)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema %d to %d: %w", current, latest, classify(err))
	}
	return nil
}

// Migrations lists those that the files have had, the log's and the views' together,
// the newest first.
func (d *DB) Migrations(ctx context.Context) ([]migrations.Applied, error) {
	var all []migrations.Applied
	for folder, file := range map[string]*file{"sqlite/log": d.log, "sqlite/views": d.views} {
		applied, err := file.migrations(ctx, folder)
		if err != nil {
			return nil, fmt.Errorf("reading migrations: %w", classify(err))
		}
		all = append(all, applied...)
	}
	slices.SortFunc(all, func(a, b migrations.Applied) int {
		return cmp.Or(cmp.Compare(b.Version, a.Version), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

func (f *file) migrations(ctx context.Context, folder string) (applied []migrations.Applied, err error) {
	rows, err := f.readers.QueryContext(ctx, `
		SELECT version_id, CAST(max(unixepoch(tstamp)) AS INTEGER) FROM goose_db_version
		WHERE is_applied AND version_id > 0 GROUP BY version_id`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m migrations.Applied
		var at int64
		if err := rows.Scan(&m.Version, &at); err != nil {
			return nil, err
		}
		m.At, m.Name = time.Unix(at, 0).UTC(), migrations.Name(migrations.SQLite, folder, m.Version)
		applied = append(applied, m)
	}
	return applied, rows.Err()
}
