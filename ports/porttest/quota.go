package porttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/ports"
)

// Quota holds the quota that open returns to the laws of ports.Quota.
func Quota(t *testing.T, open func(t *testing.T) ports.Quota) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, ports.Quota)
	}{
		{"what fits is taken in order, and what does not takes nothing", takenInOrder},
		{"a count begins with what was used before, and asks once", countsBeginWithUsed},
		{"without an answer to what was used nothing is taken", nothingWithoutUsed},
		{"what is returned can be used again, and no more than was taken", returnedIsFree},
		{"nothing is counted for what is returned to an unknown count", returnsBeginNothing},
		{"what was taken elsewhere is added, unless the count began since", takenElsewhere},
		{"concurrent uses never exceed the limit", concurrentUses},
		{"any history takes what the model takes", quotaEqualsModel},
	} {
		t.Run(law.name, func(t *testing.T) { law.check(t, open(t)) })
	}
}

// quotaRuns makes keys of their own on a server that outlives the test.
var quotaRuns atomic.Int64

func allowance(t testing.TB, limit, before ports.Usage) ports.Allowance {
	return ports.Allowance{
		Key:   fmt.Sprintf("%s/%d/%d", t.Name(), time.Now().UnixNano(), quotaRuns.Add(1)),
		Limit: limit, Until: time.Now().Add(time.Hour),
		Used: func(context.Context) (ports.Usage, error) { return before, nil },
	}
}

func expectUse(t *testing.T, q ports.Quota, a ports.Allowance, wanted []ports.Usage, want ...bool) {
	t.Helper()
	if got, err := q.Use(t.Context(), a, wanted); err != nil || !slices.Equal(got, want) {
		t.Errorf("Use(%v) = %v, %v; want %v", wanted, got, err, want)
	}
}

func takenInOrder(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 4, Segments: 10}, ports.Usage{})
	expectUse(t, q, a, []ports.Usage{use(1, 6), use(1, 5), use(1, 4), use(1, 1)}, true, false, true, false)
	a.Limit.Segments = 100
	expectUse(t, q, a, []ports.Usage{use(1, 1), use(1, 1), use(1, 1)}, true, true, false)
	a.Limit = ports.Usage{Segments: 13}
	expectUse(t, q, a, []ports.Usage{use(1, 1), use(1, 1)}, true, false)
	a.Limit = ports.Usage{}
	expectUse(t, q, a, []ports.Usage{use(1000, 1000)}, true)
}

func countsBeginWithUsed(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 5}, ports.Usage{Messages: 3, Segments: 7})
	asked := 0
	before := a.Used
	a.Used = func(ctx context.Context) (ports.Usage, error) { asked++; return before(ctx) }
	expectUse(t, q, a, []ports.Usage{use(1, 1), use(1, 1), use(1, 1)}, true, true, false)
	expectUse(t, q, a, []ports.Usage{use(1, 1)}, false)
	if asked != 1 {
		t.Errorf("asked %d times what was used", asked)
	}
}

func nothingWithoutUsed(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 1}, ports.Usage{})
	broken, gone := a, errors.New("gone")
	broken.Used = func(context.Context) (ports.Usage, error) { return ports.Usage{}, gone }
	if taken, err := q.Use(t.Context(), broken, []ports.Usage{use(1, 1)}); !errors.Is(err, gone) {
		t.Errorf("Use = %v, %v", taken, err)
	}
	expectUse(t, q, a, []ports.Usage{use(1, 1)}, true)
}

func returnedIsFree(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 2, Segments: 4}, ports.Usage{})
	expectUse(t, q, a, []ports.Usage{use(1, 2), use(1, 2)}, true, true)
	for range 3 { // more than was taken
		if err := q.Return(t.Context(), a, ports.Usage{Messages: 1, Segments: 2}); err != nil {
			t.Fatal(err)
		}
	}
	expectUse(t, q, a, []ports.Usage{use(1, 2), use(1, 2), use(1, 0)}, true, true, false)
}

func returnsBeginNothing(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 2}, ports.Usage{Messages: 2})
	if err := q.Return(t.Context(), a, ports.Usage{Messages: 1, Segments: 1}); err != nil {
		t.Fatal(err)
	}
	expectUse(t, q, a, []ports.Usage{use(1, 1)}, false)
}

func takenElsewhere(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 10, Segments: 20}, ports.Usage{Messages: 1, Segments: 1})
	earlier := time.Now().Add(-time.Minute)
	add := func(taken ports.Usage, since time.Time) {
		t.Helper()
		if err := q.Add(t.Context(), a, taken, since); err != nil {
			t.Fatal(err)
		}
	}
	add(use(9, 9), time.Now().Add(time.Minute)) // nothing is known of it
	expectUse(t, q, a, []ports.Usage{use(1, 1)}, true)
	add(use(5, 5), earlier)                     // what was used before has it
	add(use(7, 3), time.Now().Add(time.Minute)) // nine and five
	expectUse(t, q, a, []ports.Usage{use(2, 1), use(1, 16), use(1, 15)}, false, false, true)
	add(use(3, 0), time.Now().Add(time.Minute)) // fits or not
	if err := q.Return(t.Context(), a, use(3, 1)); err != nil {
		t.Fatal(err)
	}
	expectUse(t, q, a, []ports.Usage{use(1, 1)}, false)
}

func concurrentUses(t *testing.T, q ports.Quota) {
	a := allowance(t, ports.Usage{Messages: 100}, ports.Usage{Messages: 40})
	var passed atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 10 {
				taken, err := q.Use(t.Context(), a, []ports.Usage{use(1, 1)})
				if err != nil {
					t.Error(err)
				} else if taken[0] {
					passed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if passed.Load() != 60 {
		t.Errorf("%d passed, want 60", passed.Load())
	}
}

func quotaEqualsModel(t *testing.T, q ports.Quota) {
	usage := rapid.Custom(func(r *rapid.T) ports.Usage {
		return ports.Usage{Messages: rapid.Int64Range(0, 5).Draw(r, "messages"), Segments: rapid.Int64Range(0, 9).Draw(r, "segments")}
	})
	histories, uses := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		histories++
		used := usage.Draw(r, "before")
		a := allowance(t, ports.Usage{}, used)
		for i := range rapid.IntRange(1, 12).Draw(r, "steps") {
			if i > 0 && rapid.IntRange(0, 3).Draw(r, "how") == 0 {
				back := usage.Draw(r, "back")
				if err := q.Return(t.Context(), a, back); err != nil {
					r.Fatal(err)
				}
				used = used.Minus(back)
				used = ports.Usage{Messages: max(0, used.Messages), Segments: max(0, used.Segments)}
				continue
			}
			uses++
			a.Limit = ports.Usage{Messages: rapid.Int64Range(0, 20).Draw(r, "most messages"), Segments: rapid.Int64Range(0, 40).Draw(r, "most segments")}
			wanted := rapid.SliceOfN(usage, 1, 5).Draw(r, "wanted")
			want := make([]bool, len(wanted))
			for i, w := range wanted {
				if sum := used.Plus(w); sum.Within(a.Limit) {
					used, want[i] = sum, true
				}
			}
			if got, err := q.Use(t.Context(), a, wanted); err != nil || !slices.Equal(got, want) {
				r.Fatalf("Use(%v) of %v = %v, %v; want %v", wanted, a.Limit, got, err, want)
			}
		}
	})
	t.Logf("%d histories, %d uses", histories, uses)
}

func use(messages, segments int64) ports.Usage {
	return ports.Usage{Messages: messages, Segments: segments}
}
