package systemtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestTheCommandsSayWhatToDoAboutAnotherSchema(t *testing.T) {
	t.Parallel()
	url := servers.Postgres(t)
	environ := []string{"DATABASE_URL=" + url}
	if _, _, err := prosms(t, environ, "serve"); err == nil || !strings.Contains(err.Error(), "prosms migrate up") {
		t.Errorf("serve without a schema: %v", err)
	}
	for range 2 {
		if said, _, err := prosms(t, environ, "migrate", "up"); err != nil || said != "schema is up to date\n" {
			t.Fatalf("migrate up: %q, %v", said, err)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := prosms(t, environ, "serve"); err == nil || !strings.Contains(err.Error(), "newer build") || strings.Contains(err.Error(), "migrate up") {
		t.Errorf("serve on a newer schema: %v", err)
	}
	if said, _, err := prosms(t, environ, "migrate", "up"); err == nil || said != "" || !strings.Contains(err.Error(), "newer build") {
		t.Errorf("migrate up on a newer schema: %q, %v", said, err)
	}
}
