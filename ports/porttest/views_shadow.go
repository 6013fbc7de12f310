package porttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/ports"
)

// makeShadow makes the shadow of messages and puts rows into it.
func makeShadow(t *testing.T, views ports.Views, checkpoint int64, rows ...ports.Row) {
	t.Helper()
	if err := views.MakeShadow(t.Context(), messages); err != nil {
		t.Fatalf("MakeShadow: %v", err)
	}
	err := views.Advance(t.Context(), ports.ShadowOf("test"), func(tx ports.ViewTx, _ int64) (int64, error) {
		return checkpoint, tx.Put(t.Context(), messages.Shadow(), rows)
	})
	if err != nil {
		t.Fatalf("Advance of the shadow: %v", err)
	}
}

func swap(t *testing.T, views ports.Views) {
	t.Helper()
	if err := views.Swap(t.Context(), "test", messages); err != nil {
		t.Fatalf("Swap: %v", err)
	}
}

func shadowIsApart(t *testing.T, views ports.Views) {
	live, rebuilt := messageRow("a", "acme", "accepted", 1), messageRow("a", "acme", "delivered", 2)
	put(t, views, 3, live)
	makeShadow(t, views, 2, rebuilt)
	wantRows(t, views, live)
	wantCheckpoint(t, views, 3)
	got, err := views.Find(t.Context(), messages.Shadow(), byCreation)
	if diff := cmp.Diff([]ports.Row{rebuilt}, got); diff != "" || err != nil {
		t.Errorf("Find in the shadow: %v (-want +got):\n%s", err, diff)
	}
}

func shadowIsKept(t *testing.T, views ports.Views) {
	makeShadow(t, views, 2, messageRow("a", "acme", "accepted", 1))
	makeShadow(t, views, 3, messageRow("b", "acme", "accepted", 2))
	got, err := views.Find(t.Context(), messages.Shadow(), byCreation)
	if err != nil || len(got) != 2 {
		t.Errorf("%d rows, %v; want both: the second rebuild goes on where the first stopped", len(got), err)
	}
}

func swapReplacesRowsAndCheckpoint(t *testing.T, views ports.Views) {
	put(t, views, 3, messageRow("a", "acme", "accepted", 1), messageRow("gone", "acme", "accepted", 2))
	for position := int64(3); position < 6; position++ { // a swapped view is rebuilt like any other
		rebuilt := messageRow("a", "acme", fmt.Sprint("at ", position), 1)
		makeShadow(t, views, position, rebuilt)
		swap(t, views)
		wantRows(t, views, rebuilt)
		wantCheckpoint(t, views, position)
		if at, err := views.Checkpoint(t.Context(), ports.ShadowOf("test")); err != nil || at != 0 {
			t.Errorf("the shadow's checkpoint is at %d, %v; want none", at, err)
		}
	}
	put(t, views, 7, messageRow("b", "acme", "accepted", 2)) // and is advanced like any other
	library(t, views)
	if got := find(t, views, ports.Query{Where: where("tenant", ports.Equal, "other"), OrderBy: "created_at", Limit: 9}); len(got) != 1 {
		t.Errorf("%d rows by tenant, want 1", len(got))
	}
	if got, err := views.Count(t.Context(), messages, "tenant"); err != nil || got["acme"] != 4 {
		t.Errorf("Count = %v, %v", got, err)
	}
}

func swapIsRefusedBehind(t *testing.T, views ports.Views) {
	live := messageRow("a", "acme", "delivered", 1)
	put(t, views, 3, live)
	makeShadow(t, views, 2, messageRow("a", "acme", "accepted", 1))
	if err := views.Swap(t.Context(), "test", messages); !errors.Is(err, ports.ErrConflict) {
		t.Errorf("Swap: %v, want a conflict", err)
	}
	wantRows(t, views, live)
	wantCheckpoint(t, views, 3)
}

func swapWithoutShadow(t *testing.T, views ports.Views) {
	live := messageRow("a", "acme", "accepted", 1)
	put(t, views, 0, live)
	if err := views.Swap(t.Context(), "test", messages); err == nil {
		t.Error("Swap: no error")
	}
	wantRows(t, views, live)
}

func shadowIsDropped(t *testing.T, views ports.Views) {
	put(t, views, 1, messageRow("a", "acme", "accepted", 1))
	if err := views.DropShadow(t.Context(), "test", messages); err != nil {
		t.Errorf("DropShadow without one: %v", err)
	}
	makeShadow(t, views, 9, messageRow("b", "acme", "accepted", 1))
	if err := views.DropShadow(t.Context(), "test", messages); err != nil {
		t.Errorf("DropShadow: %v", err)
	}
	makeShadow(t, views, 1)
	if got, err := views.Find(t.Context(), messages.Shadow(), byCreation); err != nil || len(got) != 0 {
		t.Errorf("the next shadow has %d rows, %v; want none", len(got), err)
	}
	wantCheckpoint(t, views, 1)
}

// Readers and whoever advances the view notice nothing of swaps: no error, no
// position twice, no state but one that the view had.
func swapUnderLoad(t *testing.T, views ports.Views) {
	const advances, swaps = 60, 5
	put(t, views, 1, messageRow("a", "acme", "1", 1))
	var group sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	group.Go(func() {
		for ctx.Err() == nil {
			rows, err := views.Find(t.Context(), messages, byCreation)
			if err != nil || len(rows) != 1 {
				t.Errorf("Find = %d rows, %v", len(rows), err)
				return
			}
		}
	})
	group.Go(func() {
		for range advances {
			err := views.Advance(t.Context(), "test", func(tx ports.ViewTx, checkpoint int64) (int64, error) {
				rows, err := tx.Get(t.Context(), messages, []string{"a"})
				if err != nil || rows["a"].Keys[1] != fmt.Sprint(checkpoint) {
					t.Errorf("at %d the row is of %v, %v", checkpoint, rows["a"].Keys, err)
				}
				row := messageRow("a", "acme", fmt.Sprint(checkpoint+1), 1)
				return checkpoint + 1, errors.Join(err, tx.Put(t.Context(), messages, []ports.Row{row}))
			})
			if err != nil {
				t.Errorf("Advance: %v", err)
				return
			}
		}
	})
	swapped := 0
	for tries := 0; swapped < swaps && tries < 10_000 && !t.Failed(); tries++ {
		at, err := views.Checkpoint(t.Context(), "test")
		if err != nil {
			t.Fatalf("Checkpoint: %v", err)
		}
		makeShadow(t, views, at, messageRow("a", "acme", fmt.Sprint(at), 1))
		switch err := views.Swap(t.Context(), "test", messages); {
		case err == nil:
			swapped++
		case !errors.Is(err, ports.ErrConflict):
			t.Errorf("Swap: %v", err)
		}
	}
	if swapped < swaps {
		t.Errorf("%d swaps, want %d", swapped, swaps)
	}
	stop()
	group.Wait()
	wantCheckpoint(t, views, advances+1)
}

func snapshotStandsStill(t *testing.T, views ports.Views) {
	before := []ports.Row{messageRow("a", "acme", "accepted", 1), messageRow("b", "acme", "accepted", 2)}
	put(t, views, 2, before...)
	err := views.Snapshot(t.Context(), "test", messages, func(s ports.ViewSnapshot) error {
		put(t, views, 3, messageRow("a", "acme", "delivered", 1), messageRow("c", "acme", "accepted", 3))
		got, err := s.Find(t.Context(), byCreation)
		if diff := cmp.Diff(before, got); diff != "" || s.Checkpoint() != 2 {
			t.Errorf("at %d (-want +got):\n%s", s.Checkpoint(), diff)
		}
		return err
	})
	if err != nil {
		t.Errorf("Snapshot: %v", err)
	}
	wantCheckpoint(t, views, 3)
	refused := errors.New("refused")
	err = views.Snapshot(t.Context(), "unknown", messages, func(s ports.ViewSnapshot) error {
		if s.Checkpoint() != 0 {
			t.Errorf("an unknown projection is at %d", s.Checkpoint())
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("Snapshot: %v, want the error of read", err)
	}
}

func wantRows(t *testing.T, views ports.Views, want ...ports.Row) {
	t.Helper()
	if diff := cmp.Diff(want, find(t, views, byCreation)); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
}
