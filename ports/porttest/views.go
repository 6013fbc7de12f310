package porttest

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// messages is the view that the laws are tried on; the migrations of every
// database create it.
var messages = ports.View{
	Name:    "messages",
	Columns: []string{"tenant", "status", "lane", "recipient", "reference", "created_at", "updated_at", "due_at"},
}

// Views holds the views that open returns, empty and private to each law, to the
// laws of ports.Views.
func Views(t *testing.T, open func(*testing.T) ports.Views) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, ports.Views)
	}{
		{"an unknown projection is at 0", unknownProjectionIsAtZero},
		{"rows and checkpoint are committed together", committedTogether},
		{"an error rolls rows and checkpoint back and is returned", errorRollsBack},
		{"a transaction sees what it has put", transactionSeesItsRows},
		{"a row put again is replaced", rowIsReplaced},
		{"a row is inserted once", rowIsInsertedOnce},
		{"a row that is deleted is gone", rowIsDeleted},
		{"of two rows with one id in one call the last stays", lastOfOneCallStays},
		{"documents are kept byte for byte", documentsAreKept},
		{"a projection is advanced by one at a time", advancedByOneAtATime},

		{"what nothing concerns passes, and what is behind is told", passLeavesThoseBehind},
		{"passes and advances take turns", passesAndAdvancesTakeTurns},

		{"all conditions hold", allConditionsHold},
		{"rows come in order and then by id in the same direction", rowsComeInOrder},
		{"rows whose order is null come never", nullOrderComesNever},
		{"a cursor goes on where the page ended", cursorGoesOn},
		{"rows are counted by value", rowsAreCounted},
		{"rows are counted where conditions hold", rowsAreCountedWhereConditionsHold},
		{"numbers in documents are added up where conditions hold", numbersAreSummed},
		{"an unknown column is an error", unknownColumnIsAnError},

		{"a shadow is filled beside the live view", shadowIsApart},
		{"a shadow that is there is kept", shadowIsKept},
		{"a swap replaces rows and checkpoint", swapReplacesRowsAndCheckpoint},
		{"a swap is refused while the shadow is behind", swapIsRefusedBehind},
		{"a swap without a shadow is an error", swapWithoutShadow},
		{"a shadow is dropped with its checkpoint", shadowIsDropped},
		{"readers and advances go on through swaps", swapUnderLoad},
		{"a snapshot stands still", snapshotStandsStill},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.check(t, open(t))
		})
	}
}

// messageRow is a row of messages; second sets created_at.
func messageRow(id, tenant, status string, second int) ports.Row {
	created := time.Date(2026, 1, 2, 3, 4, second, 123456000, time.UTC)
	return ports.Row{
		ID:   id,
		Keys: []any{tenant, status, "normal", "r-" + id, nil, created, created, nil},
		Doc:  []byte(`{"id":"` + id + `"}`),
	}
}

// put commits rows with the checkpoint.
func put(t *testing.T, views ports.Views, checkpoint int64, rows ...ports.Row) {
	t.Helper()
	err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, _ int64) (int64, error) {
		return checkpoint, tx.Put(t.Context(), messages, rows)
	})
	if err != nil {
		t.Fatalf("Advance: %v", err)
	}
}

func find(t *testing.T, views ports.Views, q ports.Query) []ports.Row {
	t.Helper()
	rows, err := views.Find(t.Context(), messages, q)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return rows
}

func rowIDs(rows []ports.Row) []string {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func wantCheckpoint(t *testing.T, views ports.Views, want int64) {
	t.Helper()
	if got, err := views.Checkpoint(t.Context(), "test"); err != nil || got != want {
		t.Errorf("Checkpoint = %d, %v; want %d", got, err, want)
	}
}
