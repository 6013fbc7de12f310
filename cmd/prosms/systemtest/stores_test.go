package systemtest

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/ports"
)

// stores are the parts of a database that tests look into or fill behind a gateway's back.
type stores struct {
	events   ports.EventStore
	views    ports.Views
	keyring  ports.Keyring
	keyUses  ports.KeyUses
	exporter ports.Exporter
}

// opened opens the database of url for as long as use takes; beside whoever has it,
// if it is only read. It fails until there is a schema.
func opened(ctx context.Context, url string, beside bool, use func(stores)) error {
	if path, local := strings.CutPrefix(url, "sqlite://"); local {
		db, err := sqlite.Open(ctx, sqlite.Config{Path: path, Beside: beside})
		if err != nil {
			return err
		}
		use(stores{db.EventStore(), db.Views(), db.Keyring(), db.KeyUses(), db.Exporter()})
		return db.Close()
	}
	db, err := postgres.Open(ctx, postgres.Config{URL: url, MaxConns: 4, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	use(stores{db.EventStore(), db.Views(), db.Keyring(), db.KeyUses(), db.Exporter()})
	return nil
}

// look reads the database of a running gateway.
func (r *rig) look(use func(stores)) {
	r.t.Helper()
	if err := opened(context.WithoutCancel(r.t.Context()), r.value("DATABASE_URL"), true, use); err != nil {
		r.t.Fatal(err)
	}
}

// alone opens a database that nobody serves, and creates it where that is a file.
func alone(t testing.TB, url string, use func(stores)) {
	t.Helper()
	if err := opened(t.Context(), url, false, use); err != nil {
		t.Fatal(err)
	}
}

// says reports whether a command ended with want.
func says(err, want error) bool { return err != nil && strings.Contains(err.Error(), want.Error()) }
