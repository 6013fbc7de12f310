package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
)

// alterations are what nobody may do to the log.
var alterations = []string{
	`UPDATE events SET type = 'x'`,
	`UPDATE events SET type = 'x' WHERE false`,
	`DELETE FROM events`,
	`TRUNCATE events`,
	`UPDATE commits SET link = ''`,
	`DELETE FROM commits`,
	`TRUNCATE commits`,
	`TRUNCATE events, commits`,
}

func TestTheApplicationRoleCanOnlyReadAndAppend(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	appendOne(t, store, "a")
	conn := owner(t, url)
	run(t, conn, `SET ROLE prosms_app`)
	for _, statement := range append([]string{
		`INSERT INTO events (position, stream_id, version, type, schema, data, meta, recorded_at, digest)
			VALUES (2, 'a', 2, 'x', 1, '{}', '{}', now(), '')`,
		`INSERT INTO commits (first_position, last_position, link, recorded_at) VALUES (2, 2, '', now())`,
		`ALTER TABLE events DISABLE TRIGGER append_only`,
		`DROP TABLE events`,
		`CREATE TABLE mine ()`,
		`SET session_replication_role = replica`,
		`TRUNCATE keyring`,
	}, alterations...) {
		wantForbidden(t, conn, statement)
	}
	run(t, conn, `SELECT FROM events, commits`)
}

func TestNobodyMayAppendUnlessGranted(t *testing.T) {
	conn := owner(t, migrated(t))
	var granted bool
	err := conn.QueryRow(t.Context(),
		`SELECT bool_or(has_function_privilege('public', oid, 'EXECUTE')) FROM pg_proc WHERE proname = 'append_events'`).Scan(&granted)
	if err != nil || granted {
		t.Errorf("PUBLIC may append: %t, %v", granted, err)
	}
}

func TestTheOwnerCannotAlterTheLog(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	appendOne(t, store, "a")
	detachOnce(t, url, store)
	conn := owner(t, url)
	for _, role := range []string{"origin", "replica", "local"} {
		run(t, conn, `SET session_replication_role = `+role)
		for _, statement := range alterations {
			wantForbidden(t, conn, statement)
		}
	}
	var n int
	err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM commits)`).Scan(&n)
	if err != nil || n != 2 {
		t.Errorf("the log has %d rows, %v; want 2", n, err)
	}
}

// detachOnce detaches stream a, attaches it again, and tries in vain what is no row of
// it: meanwhile the log may be changed, and not after that.
func detachOnce(t *testing.T, url string, store ports.EventStore) {
	t.Helper()
	importer, err := postgres.OpenImporter(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer importer.Close()
	rows, err := store.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := importer.Detach(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	if n, err := importer.Attach(t.Context(), rows...); n != 1 || err != nil {
		t.Fatalf("%d attached, %v", n, err)
	}
	rows[0].Position++
	rows[0].Digest = rows[0].ComputeDigest()
	if err := importer.Detach(t.Context(), rows...); !errors.Is(err, ports.ErrConflict) {
		t.Fatalf("another row: %v", err)
	}
}

func run(t *testing.T, conn execer, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// execer is a connection.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// wantForbidden checks that the server refuses statement for want of a right.
func wantForbidden(t *testing.T, conn execer, statement string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement)
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || answer.Code != "42501" { // insufficient_privilege
		t.Errorf("%s: %v, want it forbidden", statement, err)
	}
}
