package sqlite

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		appendUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// open opens a new database, which is closed with the test.
func open(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.db"))
}

func openAt(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { closeDB(t, db) })
	return db
}

func closeDB(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestEventStoreObeysItsLaws(t *testing.T) {
	porttest.EventStore(t, func(t *testing.T) ports.EventStore { return open(t).EventStore() })
}

func TestViewsObeyTheirLaws(t *testing.T) {
	porttest.Views(t, func(t *testing.T) ports.Views { return open(t).Views() })
}

func TestFeedObeysItsLaws(t *testing.T) {
	porttest.Feed(t, func(t *testing.T) (ports.EventStore, func(string) message.Subscriber) {
		db := open(t)
		return db.EventStore(), func(group string) message.Subscriber { return db.Feed(group) }
	})
}

func TestLeaderObeysItsLaws(t *testing.T) {
	porttest.Leader(t, func(t *testing.T) (a, b ports.Leader) {
		db := open(t)
		return db.Leader(), db.Leader()
	})
}

func TestKeyringObeysItsLaws(t *testing.T) {
	porttest.Keyring(t, func(t *testing.T) (a, b ports.Keyring) {
		db := open(t)
		return db.Keyring(), db.Keyring()
	})
}

func TestKeyUsesObeyTheirLaws(t *testing.T) {
	porttest.KeyUses(t, func(t *testing.T) (a, b ports.KeyUses) {
		db := open(t)
		return db.KeyUses(), db.KeyUses()
	})
}

func TestEventStoreKeepsKeysByTheirLaws(t *testing.T) {
	porttest.Keys(t, func(t *testing.T) (ports.EventStore, ports.Keyring) {
		db := open(t)
		return db.EventStore(), db.Keyring()
	})
}

func TestImporterObeysItsLaws(t *testing.T) {
	porttest.Importer(t, func(t *testing.T) (ports.EventStore, ports.Importer) {
		db := open(t)
		return db.EventStore(), db.Importer()
	})
}

func TestEventsThatCannotBeReadKeepNoOthersFromIt(t *testing.T) {
	porttest.UnreadableEvents(t, func(t *testing.T) (ports.EventStore, func(int64)) {
		db := open(t)
		return db.EventStore(), func(position int64) {
			for _, statement := range []string{`DROP TRIGGER events_refuse_update`, `UPDATE events SET data = '[]' WHERE position = ` + strconv.FormatInt(position, 10)} {
				if _, err := db.log.writer.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
