package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestTheStoreDoesAsTheModelDoes(t *testing.T) {
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store, model := db.EventStore(), new(memory.EventStore)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++ // every round has streams of its own
		for call := range rapid.IntRange(1, 6).Draw(r, "calls") {
			writes := rapid.SliceOfN(anyWrite(round), 1, 6).Draw(r, "writes")
			want, wantErr := model.Append(t.Context(), writes...)
			got, err := store.Append(t.Context(), writes...)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(ports.Result{}, "RecordedAt"), cmp.Comparer(sameRefusal)); diff != "" ||
				wantErr != nil || err != nil {
				r.Fatalf("call %d: %v, %v (-model +store):\n%s", call, wantErr, err, diff)
			}
		}
	})
}

// sameRefusal takes two errors for equal if both are conflicts or both are none.
func sameRefusal(a, b error) bool {
	return (a == nil) == (b == nil) && errors.Is(a, ports.ErrConflict) == errors.Is(b, ports.ErrConflict)
}

// anyWrite draws writes to few streams at low versions, so that they often meet.
func anyWrite(round int) *rapid.Generator[ports.Write] {
	stream := rapid.Map(rapid.IntRange(1, 4), func(n int) string { return fmt.Sprintf("%d-%d", round, n) })
	version := rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 3})
	return rapid.Custom(func(r *rapid.T) ports.Write {
		w := ports.Write{StreamID: stream.Draw(r, "stream"), Expected: version.Draw(r, "expected")}
		for i := range rapid.IntRange(1, 2).Draw(r, "events") {
			w.Events = append(w.Events, events.MessageAttempted{Attempt: w.Expected + i + 1})
		}
		for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(r, "requirements") {
			w.Requires = append(w.Requires, ports.Require{StreamID: stream.Draw(r, "required"), Version: version.Draw(r, "at")})
		}
		return w
	})
}
