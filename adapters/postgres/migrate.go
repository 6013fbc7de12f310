package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/pro-sms/prosms/migrations"
)

// ErrSchema says that a database has an older or newer schema than this build.
var ErrSchema = errors.New("schema is of another version")

// Migrate brings the schema to this build's version. url must log in as the
// owner, who can create roles or finds prosms_app there. Instances that call it
// at the same moment take turns; where nothing is to do, it does nothing.
// The error wraps ErrSchema where a newer build has been at it.
func Migrate(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("reading database URL: %w", err)
	}
	source, err := fs.Sub(migrations.Postgres, "postgres")
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // seconds, times
	if err != nil {
		return fmt.Errorf("preparing migrations: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, source,
		goose.WithSessionLocker(turns), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("preparing migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", unavailableAtStart(err))
	}
	return checkSchema(ctx, url)
}

// Schema names the version of a database's schema and that of this build.
type Schema struct {
	Current int64 // 0: none yet
	Latest  int64
}

// SchemaVersion reads the version of the schema.
func SchemaVersion(ctx context.Context, url string) (Schema, error) {
	latest, err := latestSchema()
	if err != nil {
		return Schema{}, err
	}
	config, err := Config{URL: url}.pool()
	if err != nil {
		return Schema{}, err
	}
	config.ConnConfig.AfterConnect = nil // the role may not exist yet
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return Schema{}, fmt.Errorf("reading schema version: %w", unavailableAtStart(err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var current int64
	err = conn.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&current)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "42P01" { // undefined_table
		return Schema{Latest: latest}, nil
	}
	if err != nil {
		return Schema{}, fmt.Errorf("reading schema version: %w", unavailable(err))
	}
	return Schema{Current: current, Latest: latest}, nil
}

func latestSchema() (int64, error) {
	files, err := fs.Glob(migrations.Postgres, "postgres/*.sql")
	if err != nil {
		return 0, fmt.Errorf("reading migrations: %w", err)
	}
	var latest int64
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return 0, fmt.Errorf("reading migration %s: %w", file, err)
		}
		latest = max(latest, version)
	}
	return latest, nil
}

func checkSchema(ctx context.Context, url string) error {
	schema, err := SchemaVersion(ctx, url)
	if err != nil {
		return err
	}
	switch {
	case schema.Current < schema.Latest:
		return fmt.Errorf("schema %d, this build needs %d, which prosms migrate up makes: %w", schema.Current, schema.Latest, ErrSchema)
	case schema.Current > schema.Latest:
		return fmt.Errorf("schema %d is that of a newer build, this one needs %d: %w", schema.Current, schema.Latest, ErrSchema)
	}
	return nil
}

// Migrations lists those that the database has had, the newest first.
func (db *DB) Migrations(ctx context.Context) ([]migrations.Applied, error) {
	config := db.single.Copy()
	config.AfterConnect = nil // the application's role has no right to them
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", unavailable(err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Their time is one of the zone of who migrated, which is taken to be ours.
	rows, err := conn.Query(ctx, `
		SELECT version_id, max(tstamp AT TIME ZONE current_setting('TimeZone')) FROM goose_db_version
		WHERE is_applied AND version_id > 0 GROUP BY version_id ORDER BY version_id DESC`)
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", unavailable(err))
	}
	applied, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m migrations.Applied, err error) {
		err = row.Scan(&m.Version, &m.At)
		m.Name = migrations.Name(migrations.Postgres, "postgres", m.Version)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", unavailable(err))
	}
	return applied, nil
}
