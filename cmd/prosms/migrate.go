package main

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/adapters/postgres"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing. Needs the login of the owner."`
	Status migrateStatus `cmd:"" help:"Show which schema the database has and which this version needs."`
}

type migrateUp struct{}

// Run migrates. Where nothing is to do it does nothing.
func (migrateUp) Run(ctx context.Context, p process) error {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	_, local := sqlitePath(config.DatabaseURL)
	if local {
		// Opening brings the schema up to date.
		st, err := openStores(ctx, config.DatabaseURL, newLogger(p.Stderr, config))
		if err != nil {
			return err
		}
		if err := st.close(); err != nil {
			return err
		}
	} else if err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, "schema is up to date")
	return err
}

type migrateStatus struct{}

// Run prints the schema's version.
func (migrateStatus) Run(ctx context.Context, p process) error {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	if _, local := sqlitePath(config.DatabaseURL); local {
		_, err := fmt.Fprintln(p.Stdout, "SQLite: the schema is brought up to date whenever the file is opened")
		return err
	}
	schema, err := postgres.SchemaVersion(ctx, config.DatabaseURL)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "schema %d, this version needs %d\n", schema.Current, schema.Latest)
	return err
}
