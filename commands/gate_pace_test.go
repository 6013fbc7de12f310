package commands

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestAProviderIsCalledAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Limiter, g.PerSecond = &memory.Limiter{}, 10 })
		var times []time.Time
		w.carrier.answer = func(ports.Text) ports.Outcome {
			w.carrier.mu.Lock()
			times = append(times, time.Now())
			w.carrier.mu.Unlock()
			return taken()
		}
		work := w.accept(50)
		w.dispatch(domain.Bulk, work)()
		for _, item := range work {
			w.expect(item.MessageID, "message.accepted", "message.attempted", "message.dispatched")
		}
		for i := 10; i < len(times); i++ {
			if within := times[i].Sub(times[i-10]); within < 990*time.Millisecond {
				t.Fatalf("11 calls within %v, want at most 10 a second", within)
			}
		}
		if took := times[len(times)-1].Sub(times[0]); took > 6*time.Second {
			t.Errorf("50 texts took %v at 10 a second", took)
		}
	})
}

func TestAThrottledProviderGetsFewerCallsAtOnce(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var p pace
	admit := func(n int) (admitted int) {
		for range n {
			if _, ok := p.admit(now); ok {
				admitted++
			}
		}
		return admitted
	}
	returned := func(n int, began time.Time, throttled bool) {
		for range n {
			p.returned(began, now, throttled, 0, 16)
		}
	}
	if n := admit(12); n != 12 {
		t.Fatalf("%d of 12 admitted at first", n)
	}
	began := now
	now = now.Add(time.Second)
	returned(12, began, true) // all of one flight slow it once
	if again, ok := p.admit(now); ok || !again.Equal(now.Add(shortestPause)) {
		t.Errorf("no pause: %v, %v", again, ok)
	}
	now = now.Add(shortestPause)
	if n := admit(12); n != 6 {
		t.Errorf("%d at once after a halving, want 6", n)
	}
	returned(6, now, false)
	if n := admit(12); n != 7 {
		t.Errorf("%d at once after a window of success, want 7", n)
	}
	returned(7, now, true)
	for range 5 {
		now = now.Add(time.Minute)
		returned(admit(1), now, true)
	}
	now = now.Add(time.Minute)
	if n := admit(12); n != 1 {
		t.Errorf("%d at once, want never less than 1", n)
	}
	returned(1, now, false)
	for range 200 {
		returned(admit(1), now, false)
	}
	if n := admit(100); n != 100 {
		t.Errorf("%d of 100 admitted once it has recovered", n)
	}
	if got := fmt.Sprint(p.limit); got != "0" {
		t.Errorf("limit %s, want none", got)
	}
}

func TestATextGoesByTheNextProviderWhoseBreakerLetsItBeCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.withTwo(taken())
		for _, name := range []string{"a", "b"} {
			w.record(breakerPrefix+name, events.BreakerOpened{Provider: name, Reason: breaker.ReasonOperator + "test"})
		}
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Providers = []string{"a", "b"} })
		work := w.accept(3)
		acked := w.dispatch(domain.Normal, work)
		time.Sleep(10 * time.Second)
		if a.sent()+b.sent() != 0 {
			t.Errorf("%d and %d calls although both breakers are open", a.sent(), b.sent())
		}
		w.record(breakerPrefix+"b", events.BreakerClosed{Provider: "b"})
		acked()
		if a.sent() != 0 || b.sent() != 3 {
			t.Errorf("%d and %d calls, want all by the second", a.sent(), b.sent())
		}
		for _, item := range work {
			w.expect(item.MessageID, "message.accepted", "message.attempted", "message.dispatched")
			if m := w.message(item.MessageID); m.Provider != "b" {
				t.Errorf("attempted by %s", m.Provider)
			}
		}
	})
}

func TestAProviderThatIsPacedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.withTwo(taken())
		w.dispatcher.Gate = w.gateOn(func(g *Gate) {
			g.Providers, g.Limiter = []string{"a", "b"}, &memory.Limiter{}
			g.Own = map[string]Terms{"a": {Rule: testRule, PerSecond: 1}}
		})
		w.dispatch(domain.Normal, w.accept(3))()
		if a.sent() != 3 || b.sent() != 0 {
			t.Errorf("%d and %d calls, want all by the first", a.sent(), b.sent())
		}
	})
}

func TestAProviderThatWantsALongPauseIsPassedBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.withTwo(ports.Outcome{Class: domain.ClassThrottled, RetryAfter: time.Hour})
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Providers = []string{"a", "b"} })
		w.dispatch(domain.Normal, w.accept(1))()
		if a.sent() != 1 || b.sent() != 0 {
			t.Errorf("%d and %d calls, want one by the first", a.sent(), b.sent())
		}
		start := time.Now()
		w.dispatch(domain.Normal, w.accept(5))()
		if a.sent() != 1 || b.sent() != 5 || time.Since(start) > time.Second {
			t.Errorf("%d and %d calls after %v, want the rest by the second at once", a.sent(), b.sent(), time.Since(start))
		}
	})
}

func TestASenderHasAPaceOfItsOwnAndNothingIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Limiter, g.PerSender = &memory.Limiter{}, 2 })
		times := map[string][]time.Time{}
		w.carrier.answer = func(text ports.Text) ports.Outcome {
			w.carrier.mu.Lock()
			times[string(text.From)] = append(times[string(text.From)], time.Now())
			w.carrier.mu.Unlock()
			return taken()
		}
		var work []ports.Work
		for range 6 {
			for _, from := range []string{"+14155550100", "+14155550101"} {
				sent, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: "hello", From: from})
				if err != nil {
					t.Fatal(err)
				}
				work = append(work, ports.Work{MessageID: sent.ID, Attempt: 1})
			}
		}
		w.dispatch(domain.Bulk, work)()
		for _, item := range work {
			w.expect(item.MessageID, "message.accepted", "message.attempted", "message.dispatched")
		}
		for from, at := range times {
			for i := 2; i < len(at); i++ {
				if within := at[i].Sub(at[i-2]); within < 990*time.Millisecond {
					t.Errorf("sender %s: 3 texts within %v, want at most 2 a second", from, within)
				}
			}
			if took := at[len(at)-1].Sub(at[0]); took > 4*time.Second {
				t.Errorf("sender %s: 6 texts took %v at 2 a second", from, took)
			}
		}
	})
}
