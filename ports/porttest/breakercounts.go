package porttest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/ports"
)

// BreakerCounts holds the counts that open returns, which count by now, to the
// laws of ports.BreakerCounts. Each law has a provider of its own.
func BreakerCounts(t *testing.T, open func(t *testing.T, now func() time.Time) ports.BreakerCounts) {
	for _, law := range []struct {
		name  string
		check func(*countsTest)
	}{
		{"what is added is in the total", addedIsCounted},
		{"calls leave the window after its span and not before", callsLeaveTheWindow},
		{"a run of failures goes on until a success, across the window's edge", runsGoOn},
		{"providers do not share", providersAreSeparate},
		{"an epoch begins with nothing", epochsBeginWithNothing},
		{"an earlier epoch counts for nothing", earlierEpochsAreNothing},
		{"concurrent calls are all counted", concurrentCounts},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			c := &countsTest{T: t, window: ports.CountWindow{Provider: t.Name(), Epoch: 3, Span: time.Minute}}
			c.now.Store(limiterStart.UnixMicro())
			c.counts = open(t, func() time.Time { return time.UnixMicro(c.now.Load()) })
			law.check(c)
		})
	}
}

// countsTest is a window with its clock.
type countsTest struct {
	*testing.T
	counts ports.BreakerCounts
	window ports.CountWindow
	now    atomic.Int64 // microseconds since 1970
}

func (c *countsTest) expect(add, want breaker.Tally) {
	c.Helper()
	got, err := c.counts.Add(c.Context(), c.window, add)
	if err != nil || got != want {
		c.Errorf("Add(%+v) = %+v, %v; want %+v", add, got, err, want)
	}
}

func (c *countsTest) advance(d time.Duration) { c.now.Add(d.Microseconds()) }

func addedIsCounted(c *countsTest) {
	c.expect(breaker.Tally{}, breaker.Tally{})
	c.expect(breaker.Tally{Good: 2, Bad: 3, Run: 1}, breaker.Tally{Good: 2, Bad: 3, Run: 1})
	c.advance(10 * time.Second)
	c.expect(breaker.Tally{Bad: 4, Run: 4}, breaker.Tally{Good: 2, Bad: 7, Run: 5})
	c.expect(breaker.Tally{}, breaker.Tally{Good: 2, Bad: 7, Run: 5})
}

func callsLeaveTheWindow(c *countsTest) {
	c.expect(breaker.Tally{Good: 1}, breaker.Tally{Good: 1})
	c.advance(59 * time.Second)
	c.expect(breaker.Tally{Good: 10}, breaker.Tally{Good: 11})
	c.advance(time.Second)
	c.expect(breaker.Tally{}, breaker.Tally{Good: 10})
	c.advance(time.Hour)
	c.expect(breaker.Tally{}, breaker.Tally{})
}

func runsGoOn(c *countsTest) {
	c.expect(breaker.Tally{Bad: 2, Run: 2}, breaker.Tally{Bad: 2, Run: 2})
	c.advance(10 * time.Minute)
	c.expect(breaker.Tally{Bad: 1, Run: 1}, breaker.Tally{Bad: 1, Run: 3})
	c.expect(breaker.Tally{Good: 1, Bad: 5, Run: 4}, breaker.Tally{Good: 1, Bad: 6, Run: 4})
	c.expect(breaker.Tally{Good: 1}, breaker.Tally{Good: 2, Bad: 6})
}

func providersAreSeparate(c *countsTest) {
	c.expect(breaker.Tally{Good: 1}, breaker.Tally{Good: 1})
	c.window.Provider += "/other"
	c.expect(breaker.Tally{Bad: 1, Run: 1}, breaker.Tally{Bad: 1, Run: 1})
}

func epochsBeginWithNothing(c *countsTest) {
	c.expect(breaker.Tally{Bad: 9, Run: 9}, breaker.Tally{Bad: 9, Run: 9})
	c.window.Epoch++
	c.expect(breaker.Tally{Good: 1}, breaker.Tally{Good: 1})
}

func earlierEpochsAreNothing(c *countsTest) {
	c.expect(breaker.Tally{Good: 1}, breaker.Tally{Good: 1})
	c.window.Epoch--
	c.expect(breaker.Tally{Bad: 9, Run: 9}, breaker.Tally{})
	c.window.Epoch++
	c.expect(breaker.Tally{}, breaker.Tally{Good: 1})
}

func concurrentCounts(c *countsTest) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				if _, err := c.counts.Add(c.Context(), c.window, breaker.Tally{Bad: 1, Run: 1}); err != nil {
					c.Errorf("counting: %v", err)
				}
			}
		})
	}
	group.Wait()
	c.expect(breaker.Tally{}, breaker.Tally{Bad: 200, Run: 200})
}
