package sqlite

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

var messagesView = ports.View{
	Name:    "messages",
	Columns: []string{"tenant", "status", "lane", "recipient", "reference", "created_at", "updated_at", "due_at"},
}

// advance moves the checkpoint of projection "test".
func advance(t *testing.T, views ports.Views, to int64) {
	t.Helper()
	if err := views.Advance(t.Context(), "test", func(ports.ViewTx, int64) (int64, error) { return to, nil }); err != nil {
		t.Fatalf("Advance: %v", err)
	}
}

func TestAnErrorOfAViewCannotBePassedOver(t *testing.T) {
	views := open(t).Views()
	now := time.Now()
	row := ports.Row{ID: "a", Keys: []any{"acme", "accepted", "high", "r", nil, now, now, nil}, Doc: []byte(`{}`)}
	for name, fail := range map[string]func(ports.ViewTx) error{
		"a canceled context": func(tx ports.ViewTx) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return tx.Put(ctx, messagesView, []ports.Row{row})
		},
		"an unknown view": func(tx ports.ViewTx) error {
			return tx.Put(t.Context(), ports.View{Name: "nowhere"}, []ports.Row{{ID: "a"}})
		},
		"too few keys": func(tx ports.ViewTx) error {
			return tx.Put(t.Context(), messagesView, []ports.Row{{ID: "a", Keys: row.Keys[1:]}})
		},
	} {
		var first error
		err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, _ int64) (int64, error) {
			first = fail(tx)
			_ = tx.Put(t.Context(), messagesView, []ports.Row{row})
			return 7, nil
		})
		if first == nil || err == nil {
			t.Errorf("%s: Put gave %v, Advance %v", name, first, err)
		}
	}
	if got, err := views.Checkpoint(t.Context(), "test"); err != nil || got != 0 {
		t.Errorf("Checkpoint = %d, %v; want 0", got, err)
	}
	if got, err := views.Find(t.Context(), messagesView, ports.Query{OrderBy: "id", Limit: 9}); err != nil || len(got) != 0 {
		t.Errorf("Find = %v, %v; want nothing", got, err)
	}
}

func TestAPanicOfAProjectionRollsBackAndLeavesTheTurn(t *testing.T) {
	views := open(t).Views()
	func() {
		defer func() { _ = recover() }()
		_ = views.Advance(t.Context(), "test", func(ports.ViewTx, int64) (int64, error) { panic("a projection's fault") })
		t.Error("Advance swallowed the panic")
	}()
	advance(t, views, 1)
}

// Lists must cost what they return, however long the table is.
func TestListsNeedNoSorting(t *testing.T) {
	db := open(t)
	equal := func(column string) ports.Condition {
		return ports.Condition{Column: column, Op: ports.Equal, Value: "x"}
	}
	after := &ports.Cursor{Key: time.Now(), ID: "m"}
	for index, q := range map[string]ports.Query{
		"messages_by_tenant": {Where: []ports.Condition{equal("tenant")}, OrderBy: "created_at", Desc: true, After: after, Limit: 50},
		"messages_by_status": {Where: []ports.Condition{equal("tenant"), equal("status")}, OrderBy: "created_at", Desc: true, Limit: 50},
		"messages_due": {Where: []ports.Condition{equal("status"), {Column: "due_at", Op: ports.AtMost, Value: time.Now()}},
			OrderBy: "due_at", Limit: 50},
	} {
		plan := explain(t, db, q)
		if !strings.Contains(plan, index) || strings.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s: %s", index, plan)
		}
	}
}

func explain(t *testing.T, db *DB, q ports.Query) string {
	t.Helper()
	statement, args, err := selection(messagesView, q)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.views.readers.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		err = errors.Join(err, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}
