package porttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/ports"
)

// byCreation asks for everything, oldest first.
var byCreation = ports.Query{OrderBy: "created_at", Limit: 100}

func unknownProjectionIsAtZero(t *testing.T, views ports.Views) {
	wantCheckpoint(t, views, 0)
	err := views.Advance(t.Context(), "test", func(_ ports.ViewTx, checkpoint int64) (int64, error) {
		if checkpoint != 0 {
			t.Errorf("apply got checkpoint %d, want 0", checkpoint)
		}
		return 0, nil
	})
	if err != nil {
		t.Errorf("Advance: %v", err)
	}
	wantCheckpoint(t, views, 0)
}

func committedTogether(t *testing.T, views ports.Views) {
	put(t, views, 7, messageRow("a", "acme", "accepted", 1))
	wantCheckpoint(t, views, 7)
	err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		return checkpoint + 1, tx.Put(t.Context(), messages, []ports.Row{messageRow("b", "acme", "accepted", 2)})
	})
	if err != nil {
		t.Fatalf("Advance: %v", err)
	}
	wantCheckpoint(t, views, 8)
	want := []ports.Row{messageRow("a", "acme", "accepted", 1), messageRow("b", "acme", "accepted", 2)}
	if diff := cmp.Diff(want, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
	if got, err := views.Checkpoint(t.Context(), "another"); err != nil || got != 0 {
		t.Errorf("Checkpoint(another) = %d, %v; want 0", got, err)
	}
}

func errorRollsBack(t *testing.T, views ports.Views) {
	put(t, views, 3, messageRow("a", "acme", "accepted", 1))
	refused := errors.New("refused")
	err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, _ int64) (int64, error) {
		rows := []ports.Row{messageRow("a", "acme", "delivered", 1), messageRow("b", "acme", "accepted", 2)}
		if err := tx.Put(t.Context(), messages, rows); err != nil {
			t.Errorf("Put: %v", err)
		}
		return 9, refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("Advance: %v, want the error of apply", err)
	}
	wantCheckpoint(t, views, 3)
	if diff := cmp.Diff([]ports.Row{messageRow("a", "acme", "accepted", 1)}, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}

func transactionSeesItsRows(t *testing.T, views ports.Views) {
	old, kept := messageRow("old", "acme", "accepted", 1), messageRow("kept", "acme", "accepted", 3)
	put(t, views, 1, old, kept)
	changed, fresh := messageRow("old", "acme", "delivered", 2), messageRow("new", "acme", "accepted", 2)
	err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, _ int64) (int64, error) {
		if err := tx.Put(t.Context(), messages, []ports.Row{changed, fresh}); err != nil {
			return 0, err
		}
		if err := tx.Put(t.Context(), messages, nil); err != nil {
			return 0, fmt.Errorf("putting nothing: %w", err)
		}
		got, err := tx.Get(t.Context(), messages, []string{"new", "old", "kept", "unknown"})
		if diff := cmp.Diff(map[string]ports.Row{"new": fresh, "old": changed, "kept": kept}, got); diff != "" {
			t.Errorf("Get (-want +got):\n%s", diff)
		}
		return 2, err
	})
	if err != nil {
		t.Fatalf("Advance: %v", err)
	}
}

func rowIsReplaced(t *testing.T, views ports.Views) {
	first := messageRow("a", "acme", "accepted", 1)
	first.Keys[4], first.Keys[7] = "ref", first.Keys[5] // reference and due_at, both null afterwards
	put(t, views, 1, first)
	second := messageRow("a", "other", "delivered", 2)
	put(t, views, 2, second)
	if diff := cmp.Diff([]ports.Row{second}, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}

func lastOfOneCallStays(t *testing.T, views ports.Views) {
	last := messageRow("a", "acme", "delivered", 2)
	put(t, views, 1, messageRow("a", "acme", "accepted", 1), messageRow("b", "acme", "accepted", 3), last)
	want := []ports.Row{last, messageRow("b", "acme", "accepted", 3)}
	if diff := cmp.Diff(want, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}

func documentsAreKept(t *testing.T, views ports.Views) {
	row := messageRow("a", "acme", "accepted", 1)
	row.Doc = []byte(`{"z":1, "a":"\u003c\u0000 é 👩‍👩‍👧","a2":1.50,"list":[ ]}`)
	put(t, views, 1, row)
	if got := find(t, views, byCreation); len(got) != 1 || string(got[0].Doc) != string(row.Doc) {
		t.Errorf("Find = %s, want %s", got, row.Doc)
	}
}

func advancedByOneAtATime(t *testing.T, views ports.Views) {
	const workers, advances = 4, 10
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range advances {
				err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, checkpoint int64) (int64, error) {
					row := messageRow(fmt.Sprint(checkpoint+1), "acme", "accepted", 1)
					return checkpoint + 1, tx.Put(t.Context(), messages, []ports.Row{row})
				})
				if err != nil {
					t.Errorf("Advance: %v", err)
				}
			}
		})
	}
	group.Wait()
	wantCheckpoint(t, views, workers*advances)
	if n := len(find(t, views, byCreation)); n != workers*advances {
		t.Errorf("%d rows, want %d: two advances began at one checkpoint", n, workers*advances)
	}
}

func rowIsDeleted(t *testing.T, views ports.Views) {
	put(t, views, 1, messageRow("a", "acme", "accepted", 1), messageRow("b", "acme", "accepted", 2), messageRow("c", "acme", "accepted", 3))
	err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, _ int64) (int64, error) {
		if err := tx.Delete(t.Context(), messages, []string{"a", "c", "unknown"}); err != nil {
			return 0, err
		}
		rows, err := tx.Get(t.Context(), messages, []string{"a", "b", "c"})
		if len(rows) != 1 || rows["b"].ID != "b" {
			t.Errorf("the transaction sees %d rows", len(rows))
		}
		return 2, errors.Join(err, tx.Put(t.Context(), messages, []ports.Row{messageRow("c", "acme", "delivered", 3)}))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, views, messageRow("b", "acme", "accepted", 2), messageRow("c", "acme", "delivered", 3))
}

func rowIsInsertedOnce(t *testing.T, views ports.Views) {
	a, b, c := messageRow("a", "acme", "accepted", 1), messageRow("b", "acme", "accepted", 2), messageRow("c", "acme", "accepted", 3)
	b.Keys[4], b.Keys[7] = "ref", b.Keys[5] // null in the others
	insert := func(position int64, rows ...ports.Row) error {
		return views.Advance(t.Context(), "test", func(tx ports.ViewTx, checkpoint int64) (int64, error) {
			return position, tx.Insert(t.Context(), messages, rows)
		})
	}
	if err := errors.Join(insert(1), insert(2, a, b)); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	changed := messageRow("a", "acme", "delivered", 4)
	if err := insert(3, c, changed); err == nil {
		t.Error("a row that exists was inserted")
	}
	wantCheckpoint(t, views, 2)
	if diff := cmp.Diff([]ports.Row{a, b}, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}
