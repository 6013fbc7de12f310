package porttest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// limiterStart is when the clock of every law starts.
var limiterStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Limiter holds the limiter that open returns, which counts by now and has
// counted nothing yet, to the laws of ports.Limiter.
func Limiter(t *testing.T, open func(t *testing.T, now func() time.Time) ports.Limiter) {
	for _, law := range []struct {
		name  string
		check func(*limiterTest)
	}{
		{"a burst passes at once, and then no more", aBurstPasses},
		{"afterwards requests pass at the rate", theRatePasses},
		{"RetryAfter is exact", retryAfterIsExact},
		{"after ResetAfter the limit is whole", resetAfterIsExact},
		{"a rate that does not divide a second is never exceeded", ratesAreRoundedDown},
		{"a refused request costs nothing", refusalIsFree},
		{"one exhausted limit refuses for all, and takes from none", allOrNothing},
		{"the tightest limit is the one reported", tightestIsReported},
		{"keys do not share", keysAreSeparate},
		{"a key named twice is taken from twice", repeatedKeys},
		{"no limits refuse nothing", noLimits},
		{"a limit below one counts as one", tooSmallLimits},
		{"a clock set back refuses no longer than a window", clockSetBack},
		{"a lowered limit holds at once", loweredLimit},
		{"concurrent requests never exceed a burst", concurrentTakes},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			l := &limiterTest{T: t}
			l.now.Store(limiterStart.UnixMicro())
			l.limiter = open(t, func() time.Time { return time.UnixMicro(l.now.Load()) })
			law.check(l)
		})
	}
}

// limiterTest is a limiter with its clock.
type limiterTest struct {
	*testing.T
	limiter ports.Limiter
	now     atomic.Int64 // microseconds since 1970
}

func (l *limiterTest) advance(d time.Duration) { l.now.Add(d.Microseconds()) }

func (l *limiterTest) take(limits ...ports.Limit) ports.Taken {
	l.Helper()
	taken, err := l.limiter.Take(l.Context(), limits)
	if err != nil {
		l.Fatalf("taking: %v", err)
	}
	return taken
}

// expect takes once and compares the whole answer.
func (l *limiterTest) expect(want ports.Taken, limits ...ports.Limit) {
	l.Helper()
	if got := l.take(limits...); got != want {
		l.Errorf("Take = %+v, want %+v", got, want)
	}
}

// exhaust takes n requests, all of which must pass.
func (l *limiterTest) exhaust(n int, limits ...ports.Limit) {
	l.Helper()
	for i := range n {
		if got := l.take(limits...); !got.Allowed {
			l.Fatalf("request %d of %d is refused: %+v", i+1, n, got)
		}
	}
}

const ms = time.Millisecond

func aBurstPasses(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 3}
	l.expect(ports.Taken{Allowed: true, Remaining: 2, ResetAfter: 100 * ms}, limit)
	l.expect(ports.Taken{Allowed: true, Remaining: 1, ResetAfter: 200 * ms}, limit)
	l.expect(ports.Taken{Allowed: true, Remaining: 0, ResetAfter: 300 * ms}, limit)
	l.expect(ports.Taken{ResetAfter: 300 * ms, RetryAfter: 100 * ms}, limit)
}

func theRatePasses(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 3}
	l.exhaust(3, limit)
	passed := 0
	for range 100 { // a request every 10 ms, for a second
		l.advance(10 * ms)
		if l.take(limit).Allowed {
			passed++
		}
	}
	if passed != 10 {
		l.Errorf("%d passed in a second, want 10", passed)
	}
}

func retryAfterIsExact(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 7, Burst: 2}
	l.exhaust(2, limit)
	l.advance(3 * ms)
	wait := l.take(limit).RetryAfter
	l.advance(wait - time.Microsecond)
	l.expect(ports.Taken{ResetAfter: 2*142858*time.Microsecond - 3*ms - wait + time.Microsecond, RetryAfter: time.Microsecond}, limit)
	l.advance(time.Microsecond)
	l.exhaust(1, limit)
}

func resetAfterIsExact(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 3}
	l.exhaust(2, limit)
	reset := l.take(limit).ResetAfter
	l.advance(reset)
	l.expect(ports.Taken{Allowed: true, Remaining: 2, ResetAfter: 100 * ms}, limit)
	l.exhaust(2, limit)
}

func ratesAreRoundedDown(l *limiterTest) {
	for rate, want := range map[int]time.Duration{3: 333334 * time.Microsecond, 999_999: 2 * time.Microsecond, 5_000_000: time.Microsecond} {
		limit := ports.Limit{Key: "key:" + want.String(), Rate: rate, Burst: 1}
		l.exhaust(1, limit)
		l.expect(ports.Taken{ResetAfter: want, RetryAfter: want}, limit)
	}
}

func refusalIsFree(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 1}
	l.exhaust(1, limit)
	for range 5 {
		l.expect(ports.Taken{ResetAfter: 100 * ms, RetryAfter: 100 * ms}, limit)
	}
	l.advance(100 * ms)
	l.exhaust(1, limit)
}

func allOrNothing(l *limiterTest) {
	wide, narrow := ports.Limit{Key: "key:wide", Rate: 10, Burst: 5}, ports.Limit{Key: "key:narrow", Rate: 10, Burst: 1}
	l.exhaust(1, wide, narrow)
	for range 5 {
		if l.take(wide, narrow).Allowed || l.take(narrow, wide).Allowed {
			l.Fatal("an exhausted limit lets a request pass")
		}
	}
	l.exhaust(4, wide)
}

func tightestIsReported(l *limiterTest) {
	a, b := ports.Limit{Key: "key:a", Rate: 10, Burst: 5}, ports.Limit{Key: "key:b", Rate: 1, Burst: 2}
	l.expect(ports.Taken{Allowed: true, Tightest: 1, Remaining: 1, ResetAfter: time.Second}, a, b)
	l.expect(ports.Taken{Allowed: true, Tightest: 0, Remaining: 0, ResetAfter: 2 * time.Second}, b, a)
	l.exhaust(3, a)
	l.expect(ports.Taken{Tightest: 1, ResetAfter: 2 * time.Second, RetryAfter: time.Second}, a, b) // a would be free sooner
	equal := ports.Limit{Key: "key:c", Rate: 10, Burst: 3}
	twin := ports.Limit{Key: "key:d", Rate: 10, Burst: 3}
	l.expect(ports.Taken{Allowed: true, Tightest: 0, Remaining: 2, ResetAfter: 100 * ms}, equal, twin)
}

func keysAreSeparate(l *limiterTest) {
	a, b := ports.Limit{Key: "ip:192.0.2.1", Rate: 1, Burst: 1}, ports.Limit{Key: "ip:192.0.2.2", Rate: 1, Burst: 1}
	l.exhaust(1, a)
	l.exhaust(1, b)
	if l.take(a).Allowed || l.take(b).Allowed {
		l.Error("a key takes from another's limit")
	}
}

func repeatedKeys(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 3}
	l.expect(ports.Taken{Allowed: true, Tightest: 1, Remaining: 1, ResetAfter: 200 * ms}, limit, limit)
	if l.take(limit, limit).Allowed {
		l.Error("two requests are taken where one is left")
	}
	l.exhaust(1, limit)
}

func noLimits(l *limiterTest) { l.expect(ports.Taken{Allowed: true}) }

func tooSmallLimits(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 0, Burst: -1}
	l.expect(ports.Taken{Allowed: true, ResetAfter: time.Second}, limit)
	l.expect(ports.Taken{ResetAfter: time.Second, RetryAfter: time.Second}, limit)
}

func clockSetBack(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 10, Burst: 2}
	l.exhaust(2, limit)
	l.advance(-time.Hour)
	l.expect(ports.Taken{ResetAfter: 200 * ms, RetryAfter: 100 * ms}, limit)
	l.advance(100 * ms)
	l.exhaust(1, limit)
}

func loweredLimit(l *limiterTest) {
	l.exhaust(100, ports.Limit{Key: "key:a", Rate: 1, Burst: 100})
	lowered := ports.Limit{Key: "key:a", Rate: 10, Burst: 2}
	l.expect(ports.Taken{ResetAfter: 200 * ms, RetryAfter: 100 * ms}, lowered)
}

func concurrentTakes(l *limiterTest) {
	limit := ports.Limit{Key: "key:a", Rate: 1, Burst: 20}
	var passed atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				taken, err := l.limiter.Take(l.Context(), []ports.Limit{limit})
				if err != nil {
					l.Errorf("taking: %v", err)
				}
				if taken.Allowed {
					passed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if passed.Load() != 20 {
		l.Errorf("%d of 40 passed, want 20", passed.Load())
	}
}
