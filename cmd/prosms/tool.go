package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// tool is what a command on the command line has at hand of the database that the
// environment names.
type tool struct {
	config  Config
	stores  stores           // as they are: in what events holds personal data is sealed
	store   *commands.Sealer // the log with what is personal in plain text
	lookup  commands.Lookup
	handler *commands.Handler
	queries projections.Queries
}

// withTool opens the database for one command, brings the views that it asks
// questions of up to date, runs it and closes the database. SQLite is open to one
// such process at a time.
func withTool(ctx context.Context, p process, run func(tool) error, views ...projections.Projection) (err error) {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	log := newLogger(p.Stderr, config)
	st, err := openStores(ctx, config.DatabaseURL, log)
	if _, local := sqlitePath(config.DatabaseURL); local && errors.Is(err, ports.ErrUnavailable) {
		return fmt.Errorf("a gateway is probably running on this SQLite database: ask its API or its admin pages, or stop it first: %w", err)
	}
	if err != nil {
		return err
	}
	st = st.withArchives(config.Archives)
	defer func() { err = errors.Join(err, st.close()) }()
	runner := projections.Runner{Store: st.events, Views: st.views, Projections: views, Log: log}
	if err := runner.CatchUp(ctx); err != nil {
		return err
	}
	return runTool(ctx, config, st, run)
}

// withReader is withTool for a command that changes nothing but views: it runs
// beside a gateway on either store, and brings no view up to date.
func withReader(ctx context.Context, p process, run func(tool) error) (err error) {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	st, err := openBeside(ctx, config.DatabaseURL, newLogger(p.Stderr, config))
	if err != nil {
		return err
	}
	st = st.withArchives(config.Archives)
	defer func() { err = errors.Join(err, st.close()) }()
	return runTool(ctx, config, st, run)
}

func runTool(ctx context.Context, config Config, st stores, run func(tool) error) error {
	lookup, err := commands.OpenLookup(ctx, st.keyring, config.master())
	if err != nil {
		return err
	}
	store := newSealer(config, st, st.events, lookup)
	return run(tool{
		config: config, stores: st, store: store, lookup: lookup,
		handler: &commands.Handler{Store: store, Sealer: store, Lookup: lookup, Region: config.Region},
		queries: projections.Queries{Store: store, Views: st.views, Unseal: store.Unseal, Stored: st.events, Open: store.Open},
	})
}

// newSealer returns log, a store of st, for those who need what is personal.
func newSealer(c Config, st stores, log ports.EventStore, lookup commands.Lookup) *commands.Sealer {
	return &commands.Sealer{EventStore: log, Keyring: st.keyring, Lookup: lookup, Master: c.master()}
}
