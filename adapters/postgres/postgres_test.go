package postgres_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventStoreObeysItsLaws(t *testing.T) {
	porttest.EventStore(t, func(t *testing.T) ports.EventStore { return open(t).EventStore() })
}

func TestViewsObeyTheirLaws(t *testing.T) {
	porttest.Views(t, func(t *testing.T) ports.Views { return open(t).Views() })
}

func TestKeyringObeysItsLaws(t *testing.T) {
	porttest.Keyring(t, func(t *testing.T) (a, b ports.Keyring) {
		url := migrated(t)
		return connect(t, url).Keyring(), connect(t, url).Keyring()
	})
}

func TestEventStoreKeepsKeysByTheirLaws(t *testing.T) {
	porttest.Keys(t, func(t *testing.T) (ports.EventStore, ports.Keyring) {
		db := open(t)
		return db.EventStore(), db.Keyring()
	})
}

func TestKeyUsesObeyTheirLaws(t *testing.T) {
	porttest.KeyUses(t, func(t *testing.T) (a, b ports.KeyUses) {
		url := migrated(t)
		return connect(t, url).KeyUses(), connect(t, url).KeyUses()
	})
}

func TestLeaderObeysItsLaws(t *testing.T) {
	porttest.Leader(t, func(t *testing.T) (a, b ports.Leader) {
		url := migrated(t)
		return connect(t, url).Leader(), connect(t, url).Leader()
	})
}

func TestFeedObeysItsLaws(t *testing.T) {
	porttest.Feed(t, func(t *testing.T) (ports.EventStore, func(string) message.Subscriber) {
		db := open(t)
		return db.EventStore(), func(group string) message.Subscriber { return db.Feed(group) }
	})
}

func TestImporterObeysItsLaws(t *testing.T) {
	porttest.Importer(t, func(t *testing.T) (ports.EventStore, ports.Importer) {
		url := migrated(t)
		importer, err := postgres.OpenImporter(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := importer.Close(); err != nil {
				t.Error(err)
			}
		})
		return connect(t, url).EventStore(), importer
	})
}

// migrated returns the URL of a database of the test's own with the schema.
func migrated(t testing.TB) string {
	t.Helper()
	url := servers.Postgres(t)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	return url
}

func connect(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// open returns access to a database of the test's own.
func open(t testing.TB) *postgres.DB {
	t.Helper()
	return connect(t, migrated(t))
}

// owner returns a connection with all the rights of the database's owner.
func owner(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// attempts is a Write of n events to a stream at expected.
func attempts(streamID string, expected, n int) ports.Write {
	w := ports.Write{StreamID: streamID, Expected: expected, Meta: events.Meta{Tenant: "acme", Actor: "dispatcher"}}
	for i := range n {
		w.Events = append(w.Events, events.MessageAttempted{Attempt: expected + i + 1, AttemptID: streamID, Provider: "twilio"})
	}
	return w
}

// appendOne commits one event to a new stream.
func appendOne(t testing.TB, store ports.EventStore, streamID string) {
	t.Helper()
	results, err := store.Append(t.Context(), attempts(streamID, 0, 1))
	if err != nil || results[0].Err != nil {
		t.Fatalf("Append: %v, %v", results, err)
	}
}

func TestEventsThatCannotBeReadKeepNoOthersFromIt(t *testing.T) {
	porttest.UnreadableEvents(t, func(t *testing.T) (ports.EventStore, func(int64)) {
		url := migrated(t)
		return connect(t, url).EventStore(), func(position int64) {
			conn := owner(t, url)
			run(t, conn, `ALTER TABLE events DISABLE TRIGGER ALL`)
			run(t, conn, `UPDATE events SET data = '[]' WHERE position = `+strconv.FormatInt(position, 10))
		}
	})
}
