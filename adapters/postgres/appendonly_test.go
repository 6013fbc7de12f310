package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
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

// insertions are what is in place nowhere but in the append function.
var insertions = []string{
	`INSERT INTO events (position, stream_id, version, type, schema, data, meta, recorded_at, digest)
		VALUES (2, 'a', 2, 'x', 1, '{}', '{}', now(), '')`,
	`INSERT INTO events SELECT * FROM events WHERE false`,
	`INSERT INTO commits (first_position, last_position, link, recorded_at) VALUES (2, 2, '', now())`,
}

func TestTheApplicationRoleCanOnlyReadAndAppend(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	appendOne(t, store, "a")
	conn := owner(t, url)
	run(t, conn, `SET ROLE prosms_app`)
	for _, statement := range slices.Concat([]string{
		`ALTER TABLE events DISABLE TRIGGER append_only`,
		`DROP TABLE events`,
		`CREATE TABLE mine ()`,
		`SET session_replication_role = replica`,
		`TRUNCATE keyring`,
	}, insertions, alterations) {
		wantForbidden(t, conn, statement)
	}
	run(t, conn, `SELECT FROM events, commits`)
}

// rights are all that the application may do, by what it may do it to. Whoever adds
// a table grants what is needed and says so here.
var rights = map[string]string{
	"events": "SELECT", "commits": "SELECT", "goose_db_version": "SELECT",
	"keyring": "DELETE INSERT SELECT UPDATE", "key_uses": "INSERT SELECT UPDATE",
	"projection_checkpoints": "DELETE INSERT SELECT UPDATE", "relay_offsets": "DELETE INSERT SELECT UPDATE",
	"messages": "DELETE INSERT SELECT UPDATE", "keys": "DELETE INSERT SELECT UPDATE",
	"dead_letters": "DELETE INSERT SELECT UPDATE", "replays": "DELETE INSERT SELECT UPDATE",
	"opt_outs": "DELETE INSERT SELECT UPDATE", "inbound": "DELETE INSERT SELECT UPDATE", "contacts": "DELETE INSERT SELECT UPDATE",
	"webhook_deliveries": "DELETE INSERT SELECT UPDATE", "webhook_health": "DELETE INSERT SELECT UPDATE",
	"append_events()": "EXECUTE", "view_shadow_create()": "EXECUTE", "view_shadow_index()": "EXECUTE", "view_shadow_analyze()": "EXECUTE", "view_shadow_swap()": "EXECUTE", "view_shadow_drop()": "EXECUTE",
	"schema public": "USAGE",
}

func TestTheApplicationRoleHasTheseRightsAndNoOthers(t *testing.T) {
	conn := owner(t, migrated(t))
	rows, err := conn.Query(t.Context(), `
		SELECT name, string_agg(DISTINCT privilege_type, ' ' ORDER BY privilege_type)
		FROM (
			SELECT relname::text AS name, relacl AS acl FROM pg_class WHERE relnamespace = 'public'::regnamespace
			UNION ALL SELECT proname || '()', coalesce(proacl, acldefault('f', proowner)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
			UNION ALL SELECT 'schema ' || nspname, nspacl FROM pg_namespace WHERE nspname = 'public'
			UNION ALL SELECT relname || '.' || attname, attacl FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
		) AS things, aclexplode(acl) AS granted
		WHERE grantee = 0 OR grantee = 'prosms_app'::regrole
		GROUP BY name`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var name, granted string
	if _, err := pgx.ForEachRow(rows, []any{&name, &granted}, func() error {
		got[name] = granted
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rights, got); diff != "" {
		t.Errorf("rights of the application and of everybody (-want +got):\n%s", diff)
	}
	var can, member bool
	err = conn.QueryRow(t.Context(), `SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolcanlogin OR rolreplication OR rolbypassrls,
		EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) FROM pg_roles WHERE rolname = 'prosms_app'`).Scan(&can, &member)
	if err != nil || can || member {
		t.Errorf("the role itself may more (%v) or is a member of another (%v): %v", can, member, err)
	}
}

func TestFunctionsThatActAsTheOwnerLookNowhereElse(t *testing.T) {
	conn := owner(t, migrated(t))
	var all, pinned int
	err := conn.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE 'search_path=pg_catalog, public, pg_temp' = ANY(proconfig))
		FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace`).Scan(&all, &pinned)
	if err != nil || all == 0 || all != pinned {
		t.Errorf("%d of %d functions have a search path of their own: %v", pinned, all, err)
	}
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
		if role == "replica" {
			continue // fills a copy of the log
		}
		for _, statement := range insertions {
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
