package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/ports"
)

type moveCommand struct {
	From string `required:"" help:"URL of the store that is moved: sqlite://… or postgres://…. Nothing may use it meanwhile." placeholder:"URL"`
	To   string `required:"" help:"URL of the new store, logged in as its owner: empty, or what an earlier run has left." placeholder:"URL"`
}

// Run copies the store, verifies both chains and compares the heads. A SQLite
// source is locked meanwhile; of PostgreSQL it is checked that the log stands still.
func (m moveCommand) Run(ctx context.Context, p process) (err error) {
	if m.From == m.To {
		return errors.New("--from and --to are the same")
	}
	if path, local := sqlitePath(m.From); local {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("--from: %w", err) // to open it would make it
		}
	}
	from, err := openStores(ctx, m.From, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, importer, err := openTarget(ctx, m.To)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.close()) }()

	head, err := from.events.Head(ctx)
	if err != nil {
		return err
	}
	at, err := to.events.Head(ctx)
	if err != nil {
		return err
	}
	if at.LastPosition > 0 {
		fmt.Fprintf(p.Stderr, "going on after position %d\n", at.LastPosition)
	}
	mover := commands.Mover{
		From: from.movable(), To: to.movable(), Importer: importer,
		Progress: newProgress(p.Stderr, "copying", at.LastPosition, head.LastPosition).at,
	}
	if head, err = mover.Run(ctx); err != nil {
		return fmt.Errorf("moving: %w", err)
	}
	for _, side := range []struct {
		name  string
		store ports.EventStore
	}{{"source", from.events}, {"target", to.events}} {
		if err := verifyChain(ctx, p.Stderr, side.name, side.store, head); err != nil {
			return err
		}
	}
	if err := mover.Compare(ctx, head); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "moved %d events; both chains verify and end in %s\nViews are made again by the first gateway on the new store. Never start one on the old store again.\n",
		head.LastPosition, head.Link)
	return err
}

// verifyChain holds a log to its hashes and to a head.
func verifyChain(ctx context.Context, stderr io.Writer, name string, store ports.EventStore, head ports.Commit) error {
	report, err := verify.Log(ctx, verify.Options{
		Store: store, ChainOnly: true, Progress: newProgress(stderr, "verifying the "+name, 0, head.LastPosition).at,
	})
	if err != nil {
		return fmt.Errorf("verifying the %s: %w", name, err)
	}
	if !report.OK() {
		f := report.Findings[0]
		return fmt.Errorf("the chain of the %s does not verify: position %d: %s", name, f.Position, f.What)
	}
	return nil
}

// openTarget opens a store that a log is written to as it is, and brings its schema
// up to date. It is closed with the store.
func openTarget(ctx context.Context, url string) (stores, ports.Importer, error) {
	if _, local := sqlitePath(url); !local {
		if err := postgres.Migrate(ctx, url); err != nil {
			return stores{}, nil, err
		}
	}
	return openOwned(ctx, url)
}

// openOwned opens a store with its importer.
func openOwned(ctx context.Context, url string) (stores, ports.Importer, error) {
	st, err := openStores(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil || st.importer != nil {
		return st, st.importer, err
	}
	importer, err := postgres.OpenImporter(ctx, url)
	if err != nil {
		return stores{}, nil, errors.Join(err, st.close())
	}
	closeStore := st.close
	st.close = func() error { return errors.Join(importer.Close(), closeStore()) }
	return st, importer, nil
}

func (s stores) movable() commands.Movable {
	return commands.Movable{Events: s.events, Views: s.views, Keyring: s.keyring, KeyUses: s.keyUses, Exporter: s.exporter}
}
