package porttest

import (
	"errors"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

func versionsGoOn(t *testing.T, store ports.EventStore) {
	got := appendAll(t, store, write("a", 0, 2), write("b", 0, 1))
	got = append(got, appendAll(t, store, write("b", 1, 3), write("a", 2, 1))...)
	at := [...]struct {
		first, last int64
		version     int
	}{{1, 2, 2}, {3, 3, 1}, {4, 6, 4}, {7, 7, 3}}
	for i, want := range at {
		if got[i].FirstPosition != want.first || got[i].LastPosition != want.last || got[i].Version != want.version {
			t.Errorf("write %d = %+v, want %+v", i, got[i], want)
		}
		if got[i].RecordedAt.IsZero() {
			t.Errorf("write %d has no recorded_at", i)
		}
	}
	for i, e := range load(t, store, "b") {
		if e.Version != i+1 {
			t.Errorf("event %d of b has version %d", i, e.Version)
		}
	}
}

func noWritesNoCommit(t *testing.T, store ports.EventStore) {
	if got, err := store.Append(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Append() = %v, %v; want nothing", got, err)
	}
	if got := head(t, store); got != (ports.Commit{}) {
		t.Errorf("Head = %+v, want an empty log", got)
	}
}

func noEventsNoCommit(t *testing.T, store ports.EventStore) {
	if got, err := store.Append(t.Context(), write("a", 0, 1), write("b", 0, 0)); err == nil {
		t.Errorf("Append = %v, want an error", got)
	}
	if got := head(t, store); got != (ports.Commit{}) {
		t.Errorf("Head = %+v, want an empty log", got)
	}
}

func staleWriteIsRefusedAlone(t *testing.T, store ports.EventStore) {
	appendAll(t, store, write("old", 0, 2))
	got := appendSome(t, store,
		write("behind", 7, 1), write("first", 0, 1), write("old", 0, 1), write("old2", 0, 2), write("old3", 1, 1))
	wantRefused(t, got, 0, 2, 4)
	if got[1].FirstPosition != 3 || got[3].FirstPosition != 4 || got[3].LastPosition != 5 {
		t.Errorf("accepted writes are at %+v and %+v, want 3 and 4 to 5", got[1], got[3])
	}
	for id, want := range map[string]int{"behind": 0, "first": 1, "old": 2, "old2": 2, "old3": 0} {
		if n := len(load(t, store, id)); n != want {
			t.Errorf("stream %s has %d events, want %d", id, n, want)
		}
	}
	wantRefused(t, appendSome(t, store, write("old", 1, 1), write("old", 3, 1)), 0, 1)
}

func allRefusedNoCommit(t *testing.T, store ports.EventStore) {
	appendAll(t, store, write("a", 0, 1))
	before := head(t, store)
	wantRefused(t, appendSome(t, store, write("a", 0, 1), write("b", 3, 1)), 0, 1)
	if got := head(t, store); got != before {
		t.Errorf("Head = %+v, want %+v still", got, before)
	}
	if got := appendAll(t, store, write("a", 1, 1)); got[0].FirstPosition != 2 {
		t.Errorf("the next write is at %d, want 2", got[0].FirstPosition)
	}
}

func secondWriteIsRefusedAlone(t *testing.T, store ports.EventStore) {
	got := appendSome(t, store, write("a", 0, 1), write("a", 0, 2), write("b", 0, 1), write("a", 1, 1))
	wantRefused(t, got, 1, 3)
	if n := len(load(t, store, "a")); n != 1 {
		t.Errorf("stream a has %d events, want 1", n)
	}
	if got[2].FirstPosition != 2 {
		t.Errorf("the write after it is at %d, want 2", got[2].FirstPosition)
	}
}

func movedRequirementIsRefusedAlone(t *testing.T, store ports.EventStore) {
	appendAll(t, store, write("consent", 0, 2))
	got := appendSome(t, store,
		requiring(write("a", 0, 1), "consent", 1),
		requiring(write("b", 0, 1), "consent", 2),
		requiring(write("c", 0, 1), "unknown", 0),
		requiring(write("d", 0, 1), "unknown", 1),
		requiring(requiring(write("e", 0, 1), "consent", 2), "unknown", 1),
		requiring(requiring(write("f", 0, 1), "consent", 2), "unknown", 0),
		requiring(write("g", 0, 1), "g", 0),
		requiring(write("h", 0, 1), "consent", 3))
	wantRefused(t, got, 0, 3, 4, 7)
	if n := len(readLog(t, store)); n != 2+4 {
		t.Errorf("the log has %d events, want 6", n)
	}
}

func requirementInCallIsRefusedAlone(t *testing.T, store ports.EventStore) {
	appendAll(t, store, write("consent", 0, 1))
	got := appendSome(t, store,
		requiring(write("before", 0, 1), "consent", 1),
		write("consent", 1, 1),
		requiring(write("after", 0, 1), "consent", 1),
		requiring(write("hopeful", 0, 1), "consent", 2),
		write("other", 0, 1))
	wantRefused(t, got, 2, 3)
}

// wantRefused checks that the results at refused wrap ErrConflict and are zero
// otherwise, and that all others are accepted.
func wantRefused(t *testing.T, results []ports.Result, refused ...int) {
	t.Helper()
	isRefused := make(map[int]bool)
	for _, i := range refused {
		isRefused[i] = true
	}
	for i, r := range results {
		switch {
		case !isRefused[i]:
			if r.Err != nil {
				t.Errorf("write %d: %v, want it accepted", i, r.Err)
			}
		case !errors.Is(r.Err, ports.ErrConflict):
			t.Errorf("write %d: %v, want ErrConflict", i, r.Err)
		case r != ports.Result{Err: r.Err}:
			t.Errorf("write %d was refused with %+v, want zero besides the error", i, r)
		}
	}
}
