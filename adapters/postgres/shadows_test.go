package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
)

func TestOnlyViewsHaveShadows(t *testing.T) {
	url := migrated(t)
	views := connect(t, url).Views()
	conn := owner(t, url)
	run(t, conn, `SET ROLE prosms_app`)
	for _, name := range []string{
		"nothing", "events", "commits", "keyring", "projection_checkpoints", "goose_db_version", "messages_shadow",
		`messages"; DROP TABLE messages; --`, "pg_class", "public.messages",
	} {
		for what, err := range map[string]error{
			"made":    views.MakeShadow(t.Context(), ports.View{Name: name}),
			"swapped": views.Swap(t.Context(), "test", ports.View{Name: name}),
			"dropped": views.DropShadow(t.Context(), "test", ports.View{Name: name}),
		} {
			if err == nil {
				t.Errorf("the shadow of %s was %s", name, what)
			}
		}
	}
	wantForbidden(t, conn, `SELECT view_shadow_check('messages')`)
}

// A migration that alters a view must find it as the migrations before it left it.
func TestASwappedViewIsTheSameTable(t *testing.T) {
	url := migrated(t)
	views := connect(t, url).Views()
	conn := owner(t, url)
	before := shapeOf(t, conn)
	view := ports.View{Name: "messages"}
	for range 2 {
		if err := views.MakeShadow(t.Context(), view); err != nil {
			t.Fatal(err)
		}
		if err := views.Swap(t.Context(), "messages", view); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, shapeOf(t, conn)); diff != "" {
			t.Errorf("after a swap (-want +got):\n%s", diff)
		}
	}
}

// Most rows of a shadow change no more: room for changes would be a third of it.
func TestAShadowLeavesNoRoomInItsPages(t *testing.T) {
	url := migrated(t)
	conn := owner(t, url)
	run(t, conn, `SELECT view_shadow_create('messages')`)
	var options *string
	err := conn.QueryRow(t.Context(), `SELECT reloptions::text FROM pg_class WHERE relname = 'messages_shadow'`).Scan(&options)
	if err != nil || options != nil {
		t.Errorf("a shadow has %v, %v; want no storage parameters", options, err)
	}
}

// Indexes of millions of rows take longer than any other statement may.
func TestAnIndexIsGivenTheTimeItTakes(t *testing.T) {
	url := migrated(t)
	limit := time.Second
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, StatementTimeout: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, watch, view := owner(t, url), owner(t, url), ports.View{Name: "messages"}
	run(t, watch, `SELECT view_shadow_create('messages')`)
	run(t, conn, `BEGIN; LOCK TABLE messages_shadow`) // holds the indexes up
	made := make(chan error, 1)
	go func() { made <- db.Views().IndexShadow(context.Background(), view) }()
	const late = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > $1`
	for deadline, n := time.Now().Add(patience), 0; n == 0; {
		if err := watch.QueryRow(t.Context(), late, limit+limit/10).Scan(&n); err != nil || len(made) > 0 || time.Now().After(deadline) {
			t.Fatalf("no index waits for longer than other statements may: %v", err)
		}
	}
	run(t, conn, `ROLLBACK`)
	if err := await(t, made, "the indexes"); err != nil {
		t.Error(err)
	}
}

// shapeOf lists columns, indexes, storage parameters and rights of messages.
func shapeOf(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || coalesce(l.collname, '')
		FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = 'messages'::regclass AND a.attnum > 0
		UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = 'messages'
		UNION ALL SELECT reloptions::text || ' ' || relacl::text || ' ' || relowner::regrole FROM pg_class WHERE relname = 'messages'
		UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'messages'::regclass`)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(shape) < 15 {
		t.Fatal(shape, err)
	}
	slices.Sort(shape)
	return shape
}
