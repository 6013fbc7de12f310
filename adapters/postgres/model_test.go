package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
)

func TestTheStoreDoesAsTheModelDoes(t *testing.T) {
	store := open(t).EventStore()
	var round int
	rapid.Check(t, func(r *rapid.T) {
		round++ // every round has streams of its own, and positions from its start
		head, err := store.Head(t.Context())
		if err != nil {
			r.Fatal(err)
		}
		model, base := new(memory.EventStore), head.LastPosition
		for call := range rapid.IntRange(1, 6).Draw(r, "calls") {
			writes := rapid.SliceOfN(anyWrite(round), 1, 6).Draw(r, "writes")
			want, _ := model.Append(t.Context(), writes...)
			got, err := store.Append(t.Context(), writes...)
			if err != nil {
				r.Fatalf("call %d: %v", call, err)
			}
			for i := range got {
				if got[i].Err == nil {
					got[i].FirstPosition -= base
					got[i].LastPosition -= base
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(ports.Result{}, "RecordedAt"), cmp.Comparer(sameRefusal)); diff != "" {
				r.Fatalf("call %d (-model +store):\n%s", call, diff)
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
		w := attempts(stream.Draw(r, "stream"), version.Draw(r, "expected"), rapid.IntRange(1, 2).Draw(r, "events"))
		for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(r, "requirements") {
			w.Requires = append(w.Requires, ports.Require{StreamID: stream.Draw(r, "required"), Version: version.Draw(r, "at")})
		}
		return w
	})
}
