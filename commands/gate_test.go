package commands

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

var testRule = breaker.Rule{
	Window: time.Minute, FailureRate: 0.5, MinRequests: 20, Consecutive: 10,
	Cooldown: 30 * time.Second, Probes: 3, Lease: 45 * time.Second,
}

// gateOn returns a gate on w's store that runs until the test ends.
func (w *world) gateOn(change func(*Gate)) *Gate {
	w.t.Helper()
	gate := &Gate{Store: w.store, Rule: testRule, Providers: []string{"carrier"}, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(gate)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gate.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	synctest.Wait()
	return gate
}

// dispatch hands frames of 8 to the dispatcher, a goroutine each, as many
// subscriptions do. The returned function waits until all are acked.
func (w *world) dispatch(lane domain.Lane, work []ports.Work) (acked func()) {
	w.t.Helper()
	done := make(chan error)
	frames := slices.Collect(slices.Chunk(work, 8))
	for _, frame := range frames {
		go func() { done <- w.dispatcher.Dispatch(context.Background(), lane, frame) }()
	}
	return func() {
		w.t.Helper()
		for range frames {
			if err := <-done; err != nil {
				w.t.Error(err)
			}
		}
		w.settled()
	}
}

func (w *world) transitions(provider string) []string { return w.types(breakerPrefix + provider) }

func (w *world) expectTransitions(want ...string) {
	w.t.Helper()
	if got := w.transitions("carrier"); !slices.Equal(got, want) {
		w.t.Errorf("transitions %v, want %v", got, want)
	}
}

func down() ports.Outcome { return ports.Outcome{Class: domain.ClassProviderWide} }

func taken() ports.Outcome { return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM"} }

func TestWorkOfAProviderThatIsDownWaitsWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dispatcher.Gate = w.gateOn(nil)
		var isDown atomic.Bool
		isDown.Store(true)
		w.carrier.answer = func(ports.Text) ports.Outcome {
			time.Sleep(100 * time.Millisecond)
			if isDown.Load() {
				return down()
			}
			return taken()
		}
		work := w.accept(64)
		acked := w.dispatch(domain.Normal, work)
		time.Sleep(20 * time.Second)
		w.expectTransitions("breaker.opened")
		tried := w.carrier.sent()
		if tried > 14 {
			t.Errorf("%d calls to a provider that is down; lane normal has 14 slots", tried)
		}
		isDown.Store(false)
		acked()
		w.expectTransitions("breaker.opened", "breaker.half_opened", "breaker.closed")
		once := 0
		for _, item := range work {
			if slices.Equal(w.types(item.MessageID), []string{"message.accepted", "message.attempted", "message.dispatched"}) {
				once++
			}
		}
		if once != len(work)-tried {
			t.Errorf("%d texts were sent at their first attempt, want all but the %d that found the provider down", once, tried)
		}
		if got := w.dispatcher.Gate.States(); got["carrier"] != 0 {
			t.Errorf("states %v", got)
		}
	})
}

// Between the call that trips it and its transition in the log, which a store that is
// away puts off, a breaker lets nothing pass and is no provider that others can do with.
func TestABreakerThatIsAboutToOpenIsNotClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		gate := w.gateOn(func(g *Gate) { g.Store = &failingAppend{EventStore: w.store, at: 0} })
		pass, _, ok := gate.Admit(t.Context(), "carrier", "")
		if !ok || !gate.Closed("carrier") {
			t.Fatal("it begins closed")
		}
		pass.Done(down())
		synctest.Wait() // its append has failed, and is tried again after a second
		if gate.Closed("carrier") || gate.Shut("carrier") {
			t.Errorf("closed %t, open %t; want neither", gate.Closed("carrier"), gate.Shut("carrier"))
		}
		time.Sleep(2 * time.Second)
		w.expectTransitions("breaker.opened")
	})
}

// second is a carrier of another name.
type second struct{ *carrier }

func (second) Name() string { return "second" }

func TestWhatAnotherProviderCanSendGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other := second{&carrier{}}
		w.dispatcher.Providers.Test = other
		w.record(breakerPrefix+"carrier", events.BreakerOpened{Provider: "carrier", Reason: breaker.ReasonOperator + "test"})
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Providers = append(g.Providers, "second") })
		work := w.accept(2)
		testText := text(domain.Normal)
		testText.Test = true
		w.record("msg_test", testText)
		acked := w.dispatch(domain.Normal, append(work, ports.Work{MessageID: "msg_test", Attempt: 1}))
		time.Sleep(time.Second)
		w.expect("msg_test", "message.accepted", "message.attempted", "message.dispatched")
		if w.carrier.sent() != 0 {
			t.Error("a provider is called whose breaker was opened by hand before the start")
		}
		if _, err := w.handler.CloseBreaker(t.Context(), caller, "carrier", "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second + time.Millisecond)
		acked()
		if w.carrier.sent() != 2 {
			t.Errorf("%d texts were sent within a second of closing, want 2", w.carrier.sent())
		}
	})
}

func TestWhatIsHeldForLongIsDeferredAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		gate := o.gateOn(nil)
		o.dispatcher.Gate, o.dispatcher.HoldLimit = gate, 5*time.Minute
		o.scheduler.Shut = func(string, domain.Message) bool { return gate.Shut("carrier") }
		if _, err := o.handler.OpenBreaker(t.Context(), caller, "carrier", "test", 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		work := o.accept(3)
		acked := o.dispatch(domain.Normal, work)
		time.Sleep(5 * time.Minute)
		acked()
		for _, item := range work {
			o.expect(item.MessageID, "message.accepted", "message.deferred")
		}
		time.Sleep(time.Hour)
		o.expectIssued("while the breaker is open")
		if _, err := o.handler.CloseBreaker(t.Context(), caller, "carrier", "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		o.expectIssued("once it is closed", work...)
		o.dispatch(domain.Normal, work)()
		if o.carrier.sent() != 3 {
			t.Errorf("%d texts were sent", o.carrier.sent())
		}
	})
}

func TestATextExpiresInTimeWhileItsProviderIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record(breakerPrefix+"carrier", events.BreakerOpened{Provider: "carrier", Reason: breaker.ReasonOperator + "test"})
		gate := o.gateOn(nil)
		o.dispatcher.Gate, o.dispatcher.HoldLimit = gate, 5*time.Minute
		o.scheduler.Shut = func(string, domain.Message) bool { return gate.Shut("carrier") }
		held, deferred := text(domain.Normal), text(domain.Normal)
		soon, later := time.Now().Add(time.Minute).UTC(), time.Now().Add(5*time.Minute+10*time.Second).UTC()
		held.ExpiresAt, deferred.ExpiresAt = &soon, &later
		o.record("msg_held", held)
		o.record("msg_deferred", deferred)
		acked := o.dispatch(domain.Normal, []ports.Work{{MessageID: "msg_held", Attempt: 1}, {MessageID: "msg_deferred", Attempt: 1}})
		time.Sleep(2 * time.Minute)
		o.expect("msg_held", "message.accepted", "message.expired")
		acked()
		o.expectIssued("before its end")
		time.Sleep(10 * time.Second)
		work := ports.Work{MessageID: "msg_deferred", Attempt: 1}
		o.expectIssued("at its end", work)
		o.dispatch(domain.Normal, []ports.Work{work})()
		o.expect("msg_deferred", "message.accepted", "message.deferred", "message.expired")
	})
}

func TestAProviderIsProbedWithThoseThatHaveMostAttemptsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var back atomic.Bool
		w.carrier.answer = func(ports.Text) ports.Outcome {
			if back.Load() {
				return taken()
			}
			return down()
		}
		w.dispatcher.Gate = w.gateOn(nil)
		probing := time.Now().Add(time.Minute)
		w.record(breakerPrefix+"carrier", events.BreakerOpened{Provider: "carrier", Reason: breaker.ReasonRate, Until: probing.UTC()})
		time.Sleep(2 * time.Second)
		w.record("msg_tired", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"},
			events.MessageFailed{Attempt: 1, Provider: "carrier"}, events.MessageRetried{Attempt: 2, DueAt: time.Now().UTC()})
		fresh := w.accept(3)
		acked := w.dispatch(domain.Normal, append([]ports.Work{{MessageID: "msg_tired", Attempt: 2}}, fresh...))
		time.Sleep(time.Until(probing) + 10*time.Second)
		w.expectTransitions("breaker.opened", "breaker.half_opened", "breaker.opened")
		if w.message("msg_tired").Attempt != 1 || w.carrier.sent() == 0 {
			t.Errorf("%d probes, and the last attempt of a text among them", w.carrier.sent())
		}
		back.Store(true)
		acked()
		w.expect("msg_tired", "message.accepted", "message.attempted", "message.failed", "message.retried",
			"message.attempted", "message.dispatched")
	})
}

func TestATextWithOneAttemptLeftProbesWhereThereIsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dispatcher.Gate = w.gateOn(nil)
		w.record(breakerPrefix+"carrier", events.BreakerOpened{Provider: "carrier", Reason: breaker.ReasonRate},
			events.BreakerHalfOpened{Provider: "carrier"})
		w.record("msg_tired", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"},
			events.MessageFailed{Attempt: 1, Provider: "carrier"}, events.MessageRetried{Attempt: 2})
		time.Sleep(time.Second + time.Millisecond) // the gate follows the log each second
		acked := w.dispatch(domain.Normal, []ports.Work{{MessageID: "msg_tired", Attempt: 2}})
		time.Sleep(sparing - 2*time.Millisecond)
		if w.carrier.sent() != 0 {
			t.Error("it probed before others had time to come")
		}
		acked()
		if w.carrier.sent() != 1 {
			t.Errorf("%d calls, want its own", w.carrier.sent())
		}
	})
}

func TestNothingPassesBeforeTheLogIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		flaky := &unread{EventStore: w.store}
		flaky.gone.Store(true)
		gate := w.gateOn(func(g *Gate) { g.Store = flaky })
		if _, _, ok := gate.Admit(t.Context(), "carrier", ""); ok {
			t.Error("a provider is called whose breaker is not known")
		}
		flaky.gone.Store(false)
		time.Sleep(time.Second)
		if _, _, ok := gate.Admit(t.Context(), "carrier", ""); !ok {
			t.Error("nothing passes though the log is read")
		}
	})
}

// unread is a store whose streams cannot be loaded for a while.
type unread struct {
	ports.EventStore
	gone atomic.Bool
}

func (u *unread) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	if u.gone.Load() {
		return nil, ports.ErrUnavailable
	}
	return u.EventStore.LoadMany(ctx, ids)
}

// countless are counts that cannot be asked.
type countless struct{}

func (countless) Add(context.Context, ports.CountWindow, breaker.Tally) (breaker.Tally, error) {
	return breaker.Tally{}, ports.ErrUnavailable
}

func TestAnInstanceCountsForItselfWhereCountsAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		gate := w.gateOn(func(g *Gate) { g.Counts = countless{} })
		for range testRule.Consecutive {
			pass, _, _ := gate.Admit(t.Context(), "carrier", "")
			pass.Done(ports.Outcome{Class: domain.ClassNotSent})
			time.Sleep(2 * time.Minute) // across the edges of the window
		}
		w.expectTransitions("breaker.opened", "breaker.half_opened")
	})
}

func TestInstancesCountTogetherAndOneOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		counts := &memory.BreakerCounts{}
		var gates []*Gate
		for range 3 {
			gates = append(gates, w.gateOn(func(g *Gate) { g.Counts = counts }))
		}
		for _, gate := range gates {
			for range 4 { // of the ten in a row that open it
				pass, _, ok := gate.Admit(t.Context(), "carrier", "")
				if !ok {
					t.Fatal("refused")
				}
				pass.Done(ports.Outcome{Class: domain.ClassInDoubt, Cause: "timeout"})
			}
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		w.expectTransitions("breaker.opened")
		for i, gate := range gates {
			if _, _, ok := gate.Admit(t.Context(), "carrier", ""); ok || !gate.Shut("carrier") {
				t.Errorf("instance %d still calls the provider", i+1)
			}
		}
	})
}

func TestALostProbeDoesNotKeepTheBreakerHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.record(breakerPrefix+"carrier", events.BreakerOpened{Provider: "carrier", Reason: breaker.ReasonRate, Until: time.Now()})
		gate := w.gateOn(nil)
		time.Sleep(time.Second)
		for range 3 {
			if _, _, ok := gate.Admit(t.Context(), "carrier", ""); !ok {
				t.Fatal("no probe passes")
			}
		}
		if _, delay, ok := gate.Admit(t.Context(), "carrier", ""); ok || !delay.Until.Equal(time.Now().Add(testRule.Lease)) {
			t.Errorf("a fourth probe: %v, again at %v", ok, delay.Until)
		}
		time.Sleep(testRule.Lease)
		for range 3 {
			pass, _, ok := gate.Admit(t.Context(), "carrier", "")
			if !ok {
				t.Fatal("lost probes keep others from passing")
			}
			pass.Done(taken())
		}
		synctest.Wait()
		w.expectTransitions("breaker.opened", "breaker.half_opened", "breaker.closed")
	})
}

func TestTheCooldownGrowsWhileProbesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dispatcher.Gate, w.dispatcher.HoldLimit = w.gateOn(nil), time.Hour
		w.carrier.answer = func(ports.Text) ports.Outcome { return down() }
		work := w.accept(200)
		w.dispatch(domain.Normal, work[:1])()
		go func() { _ = w.dispatcher.Dispatch(context.Background(), domain.Normal, work[1:]) }()
		time.Sleep(30 * time.Minute)
		w.dispatcher.Stop()
		recorded, err := w.store.Load(t.Context(), breakerPrefix+"carrier")
		if err != nil {
			t.Fatal(err)
		}
		openings, last := 0, time.Duration(0)
		for _, r := range recorded {
			if e, ok := r.Data.(events.BreakerOpened); ok {
				openings++
				last = e.Until.Sub(r.RecordedAt)
			}
		}
		longest := breaker.MaxGrowth * testRule.Cooldown.Seconds() // give or take the jitter
		if openings < 6 || openings > 12 || last.Seconds() < longest*(1-domain.Jitter) || last.Seconds() > longest*(1+domain.Jitter) {
			t.Errorf("%d openings in half an hour, the last for %v", openings, last)
		}
		if most := 1 + 3*openings; w.carrier.sent() > most {
			t.Errorf("%d calls to a provider that is down, want at most %d", w.carrier.sent(), most)
		}
	})
}

func TestAProviderThatIsLeftAloneHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.withTwo(taken())
		w.dispatcher.Providers.Routes = []domain.Route{{Provider: "a", Weight: 1, Prefix: "+49"}, {Provider: "b", Weight: 1}}
		w.record(breakerPrefix+"a", events.BreakerOpened{Provider: "a", Reason: breaker.ReasonOperator + "test"})
		w.dispatcher.Gate = w.gateOn(func(g *Gate) { g.Providers = []string{"a", "b"} })
		stuck := text(domain.Normal)
		stuck.To = "+4915112345678"
		w.record("msg_stuck", stuck)
		began := time.Now()
		w.dispatch(domain.Normal, []ports.Work{{MessageID: "msg_stuck", Attempt: 1}})()
		if held := time.Since(began); held != 5*time.Second { // then what is behind it in the queue comes
			t.Errorf("held for %v", held)
		}
		w.expect("msg_stuck", "message.accepted", "message.deferred")
		if a.sent()+b.sent() != 0 {
			t.Errorf("%d and %d calls", a.sent(), b.sent())
		}
	})
}
