package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

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
