package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/migrations"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// stores are what a database gives, whichever it is.
type stores struct {
	kind string // "postgres" or "sqlite"
	// aloneSince is when this process became the only one; zero: there may be others.
	aloneSince time.Time
	events     ports.EventStore
	views      ports.Views
	keyring    ports.Keyring
	keyUses    ports.KeyUses
	leader     ports.Leader
	exporter   ports.Exporter
	importer   ports.Importer                                         // nil: has to be opened with the owner's rights
	feed       func(group string) message.Subscriber                  // the log in frames, for one group of consumers
	position   func(ctx context.Context, group string) (int64, error) // up to which a group has the log
	migrations func(context.Context) ([]migrations.Applied, error)
	poolUsage  func() float64 // connections in use, of those there may be: 0 to 1
	ping       func(context.Context) error
	close      func() error
}

// withArchives returns s with a log from which nothing seems detached that is in the
// archives of a folder; an empty name: as it is.
func (s stores) withArchives(folder string) stores {
	if folder == "" {
		return s
	}
	log := &commands.Archived{EventStore: s.events, Open: func(name string) (io.ReadCloser, error) { return os.OpenInRoot(folder, name) }}
	closeStore := s.close
	s.events, s.close = log, func() error { return errors.Join(log.Close(), closeStore()) }
	return s
}

// openStores opens the database that url names. SQLite brings its schema up to
// date by itself; Postgres refuses another schema than this build's.
func openStores(ctx context.Context, url string, log *slog.Logger) (stores, error) {
	return openStoresAs(ctx, url, log, openedAs{})
}

// openBeside opens the database for a tool that reads the log and may rebuild
// views, whether or not a gateway runs on it.
func openBeside(ctx context.Context, url string, log *slog.Logger) (stores, error) {
	return openStoresAs(ctx, url, log, openedAs{beside: true})
}

// openedAs is how a database is opened.
type openedAs struct {
	beside bool      // SQLite: beside a gateway
	login  loginFunc // PostgreSQL: see logins
	conns  int       // PostgreSQL: in the pool, at most; 0: 20
}

func openStoresAs(ctx context.Context, url string, log *slog.Logger, as openedAs) (stores, error) {
	if path, ok := sqlitePath(url); ok {
		db, err := sqlite.Open(ctx, sqlite.Config{Path: path, Beside: as.beside})
		if err != nil {
			return stores{}, fmt.Errorf("opening database: %w", err)
		}
		return stores{
			kind: "sqlite", aloneSince: time.Now(), events: db.EventStore(), views: db.Views(), keyring: db.Keyring(), keyUses: db.KeyUses(), leader: db.Leader(),
			exporter: db.Exporter(), importer: db.Importer(), migrations: db.Migrations,
			feed:     func(group string) message.Subscriber { return db.Feed(group) },
			position: db.Position, poolUsage: db.PoolUsage,
			ping:  func(ctx context.Context) error { _, err := db.EventStore().Head(ctx); return err },
			close: db.Close,
		}, nil
	}
	db, err := postgres.Open(ctx, postgres.Config{URL: url, MaxConns: cmp.Or(as.conns, 20), Login: as.login, Logger: log})
	if err != nil {
		return stores{}, fmt.Errorf("opening database: %w", err)
	}
	return stores{
		kind: "postgres", events: db.EventStore(), views: db.Views(), keyring: db.Keyring(), keyUses: db.KeyUses(), leader: db.Leader(),
		exporter: db.Exporter(), migrations: db.Migrations,
		feed:     func(group string) message.Subscriber { return db.Feed(group) },
		position: func(ctx context.Context, group string) (int64, error) { return db.Feed(group).Position(ctx) },
		poolUsage: func() float64 {
			stats := db.Stats()
			return float64(stats.Acquired) / float64(stats.Max)
		},
		ping:  db.Ping,
		close: func() error { db.Close(); return nil },
	}, nil
}

// rowsHeld is how many rows a rebuild on PostgreSQL gathers before it writes them, twice
// some 40 MB of messages: the events of a text lie thousands of others apart.
const rowsHeld = 20_000

// filler folds the log into views quickly. On SQLite, where whoever writes has the
// whole file, the gateway would wait for transactions of many frames.
func (st stores) filler() projections.Filler {
	f := projections.Filler{Store: st.events, Views: st.views}
	if st.kind == "postgres" {
		f.Rows = rowsHeld
	}
	return f
}

// sqlitePath returns the file that a sqlite:// URL names: sqlite:///var/lib/a.db
// is /var/lib/a.db, sqlite://a.db is a.db in the working directory.
func sqlitePath(url string) (string, bool) {
	return strings.CutPrefix(url, "sqlite://")
}
