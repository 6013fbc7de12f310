package tail

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

// held returns n events from a position on.
func held(first int64, n int) []events.Recorded {
	commit := make([]events.Recorded, n)
	for i := range commit {
		commit[i] = events.Recorded{Position: first + int64(i), StreamID: fmt.Sprint(first + int64(i))}
	}
	return commit
}

func positions(page []events.Recorded) (all []int64) {
	for _, r := range page {
		all = append(all, r.Position)
	}
	return all
}

func TestATailHasNoGaps(t *testing.T) {
	var tl Tail
	check := func(after int64, limit int, want ...int64) {
		t.Helper()
		if diff := cmp.Diff(want, positions(tl.After(after, limit))); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", after, diff)
		}
	}
	check(0, 10)
	tl.Add(held(5, 3))
	check(3, 10)
	check(4, 10, 5, 6, 7)
	check(5, 1, 6)
	check(7, 10)
	check(9, 10)
	tl.Add(held(8, 2))
	check(6, 10, 7, 8, 9)
	tl.Add(held(12, 1)) // 10 and 11 are reported later
	check(8, 10)
	check(11, 10, 12)
	tl.Add(held(10, 2))
	check(9, 10)
	check(11, 10, 12)
	tl.Drop()
	check(11, 10)
}

func TestATailIsBounded(t *testing.T) {
	var tl Tail
	for first := int64(1); first < 10*Size; first += 800 {
		tl.Add(held(first, 800))
		last := first + 799
		if got := len(tl.After(max(0, last-Size), 2*Size)); got > Size || int64(got) < min(last, Size-799) {
			t.Fatalf("of %d events it holds %d, want up to %d", last, got, Size)
		}
	}
	if got := tl.After(8*Size, 1); got != nil {
		t.Errorf("it holds event %d, which is too long ago", got[0].Position)
	}
}

func TestATailOfAnotherLogIsKnownByItsDigest(t *testing.T) {
	var tl Tail
	commit := held(5, 3)
	commit[1].Digest = events.Hash{1}
	tl.Add(commit)
	for _, tt := range []struct {
		position int64
		digest   events.Hash
		want     bool
	}{{6, events.Hash{1}, true}, {6, events.Hash{2}, false}, {5, events.Hash{}, true}, {4, events.Hash{}, false}, {8, events.Hash{}, false}} {
		if got := tl.Holds(tt.position, tt.digest); got != tt.want {
			t.Errorf("Holds(%d, %s) = %t", tt.position, tt.digest, got)
		}
	}
}
