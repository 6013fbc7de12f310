package sqlite_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/migrations"
)

func TestMigrationsAreListedWithTheirTimes(t *testing.T) {
	t.Parallel()
	before := time.Now().Add(-2 * time.Second)
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	applied, err := db.Migrations(t.Context())
	if err != nil || len(applied) < 9 {
		t.Fatalf("%d migrations, %v", len(applied), err)
	}
	for i, m := range applied {
		if m.Name == "" || m.At.Before(before) || m.At.After(time.Now()) || i > 0 && m.Version > applied[i-1].Version {
			t.Errorf("%+v", m)
		}
	}
	if last := applied[len(applied)-1]; last.Version != 1 {
		t.Errorf("the first is %+v", last)
	}
}

// A rebuild by an earlier version leaves indexes under other names, and one that was
// stopped leaves a shadow of the columns of then.
func TestViewsThatWereRebuiltBeforeAreMigrated(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	views, err := sql.Open("sqlite", filepath.Join(folder, "a.views.db"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := fs.Sub(migrations.SQLite, "sqlite/views")
	if err != nil {
		t.Fatal(err)
	}
	before, err := goose.NewProvider(goose.DialectSQLite3, views, schema, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.UpTo(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"DROP INDEX messages_by_status", "CREATE INDEX messages_by_status_b ON messages (tenant, status, created_at DESC, id DESC)",
		"DROP INDEX messages_by_provider", "CREATE INDEX messages_by_provider_b ON messages (provider_message_id)",
		"CREATE TABLE messages_shadow AS SELECT * FROM messages", "INSERT INTO projection_checkpoints VALUES ('messages_shadow', 7)",
	} {
		if _, err := views.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := views.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(folder, "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if at, err := db.Views().Checkpoint(t.Context(), "messages_shadow"); err != nil || at != 0 {
		t.Errorf("the rebuild goes on at %d, %v", at, err)
	}
}
