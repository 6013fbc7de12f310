package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

var (
	fuseRule = fuse.Rule{Texts: 20, Window: time.Hour, Wait: 10 * time.Minute, Share: 0.3, Pause: time.Hour, Digits: 4}
	pumped   = fuse.Block{Tenant: "acme", Prefix: "+1415555"}
)

// fuseOn gives w a fuse that runs until the test ends, and what else instances share.
func (w *world) fuseOn(change func(*Fuse)) *Fuse {
	w.t.Helper()
	f := &Fuse{Store: w.store, Rule: fuseRule, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(f)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.handler.Fuse, w.dispatcher.Fuse = f, f
	synctest.Wait()
	return f
}

// to is a text to the nth number of a prefix.
func to(prefix string, n int) Send {
	return Send{To: fmt.Sprintf("%s%04d", prefix, 2000+n), Body: "your code"}
}

// send sends n texts to new numbers of a prefix, a second apart, each delivered or not.
func (w *world) send(prefix string, n int, delivered bool) {
	w.t.Helper()
	for i := range n {
		sent, err := w.handler.Send(w.t.Context(), caller, to(prefix, i))
		if err != nil {
			w.t.Fatalf("text %d to %s: %v", i, prefix, err)
		}
		if err := w.dispatcher.Dispatch(w.t.Context(), domain.Normal, []ports.Work{{MessageID: sent.ID, Attempt: 1}}); err != nil {
			w.t.Fatal(err)
		}
		w.settled()
		if delivered {
			receipt := domain.Receipt{Attempt: 1, ProviderMessageID: "SM", ProviderStatus: "delivered", Result: domain.ReceiptDelivered}
			if err := w.handler.Receive(w.t.Context(), sent.ID, receipt); err != nil {
				w.t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
	}
}

func (w *world) fuses() []string { return w.types(fuseStreams(time.Now())[1]) }

func (w *world) expectFuses(want ...string) {
	w.t.Helper()
	if got := w.fuses(); !slices.Equal(got, want) {
		w.t.Errorf("fuses: %v, want %v", got, want)
	}
}

// pump has texts arrive elsewhere, and none at the pumped prefix, until its receipts
// have had their time.
func (w *world) pump() {
	w.t.Helper()
	w.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
	w.send("+1212555", 60, true)
	w.send(pumped.Prefix, fuseRule.Texts, false)
	time.Sleep(fuseRule.Wait + 2*time.Second)
}

func TestAPumpedPrefixIsPausedAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fuseOn(nil)
		repeated := to(pumped.Prefix, 7)
		repeated.IdempotencyKey = "a"
		w.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
		original, err := w.handler.Send(t.Context(), caller, repeated)
		if err != nil {
			t.Fatal(err)
		}
		w.pump()
		w.expectFuses("fuse.blown")
		if paused, reported := w.handler.Fuse.Blown(); paused != 1 || reported != 0 {
			t.Errorf("%d paused, %d reported", paused, reported)
		}
		results, err := w.handler.SendBatch(t.Context(), caller, []Send{to("+1212555", 1), to(pumped.Prefix, 99), to("+1415556", 1), repeated})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{false, true, false, false} {
			refused, ok := errors.AsType[PrefixPaused](results[i].Err)
			if ok != want || !ok && results[i].Err != nil {
				t.Errorf("item %d: %v", i, results[i].Err)
			}
			if ok && (refused.RetryAfter <= 59*time.Minute || refused.RetryAfter > time.Hour) {
				t.Errorf("it may come again in %v", refused.RetryAfter)
			}
		}
		if !results[3].Sent.Replayed || results[3].Sent.ID != original.ID {
			t.Errorf("the repeat of what was accepted is answered %+v", results[3])
		}
		other, test := caller, caller
		other.Tenant, test.Test = "other", true
		for _, c := range []Caller{other, test} {
			if _, err := w.handler.Send(t.Context(), c, to(pumped.Prefix, 99)); err != nil {
				t.Errorf("tenant %s, test %v: %v", c.Tenant, c.Test, err)
			}
		}
		time.Sleep(time.Hour)
		if _, err := w.handler.Send(t.Context(), caller, to(pumped.Prefix, 99)); err != nil {
			t.Errorf("when the pause is over: %v", err)
		}
	})
}

func TestAReportedPrefixIsPausedAfterARestartThatPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fuseOn(func(f *Fuse) { f.Rule.ReportOnly = true })
		w.pump()
		w.expectFuses("fuse.blown")
		w.fuseOn(nil)
		w.send(pumped.Prefix, fuseRule.Texts, false)
		time.Sleep(fuseRule.Wait + 2*time.Second)
		w.expectFuses("fuse.blown", "fuse.blown")
		if _, err := w.handler.Send(t.Context(), caller, to(pumped.Prefix, 99)); !errors.As(err, new(PrefixPaused)) {
			t.Errorf("a text to it: %v", err)
		}
		for _, pauses := range []bool{true, false} {
			w.fuseOn(func(f *Fuse) { f.Rule.ReportOnly = !pauses })
			standing, err := w.handler.Fuses(t.Context())
			if err != nil || len(standing) != 1 || standing[0].Paused != pauses {
				t.Errorf("pausing %v: %+v, %v", pauses, standing, err)
			}
		}
	})
}

func TestWhatWasAcceptedWaitsUntilThePauseIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fuseOn(nil)
		w.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
		var waiting []ports.Work
		short := to(pumped.Prefix, 51)
		short.ExpiresAt = time.Now().Add(12*time.Minute + 30*time.Second).Format(time.RFC3339)
		for _, request := range []Send{to(pumped.Prefix, 50), short} {
			sent, err := w.handler.Send(t.Context(), caller, request)
			if err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, ports.Work{MessageID: sent.ID, Attempt: 1})
		}
		w.pump()
		sentBefore := w.carrier.sent()
		dispatch := func() {
			t.Helper()
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, waiting); err != nil {
				t.Fatal(err)
			}
			w.settled()
		}
		dispatch()
		recorded, err := w.store.Load(t.Context(), waiting[0].MessageID)
		if err != nil {
			t.Fatal(err)
		}
		deferred, _ := recorded[len(recorded)-1].Data.(events.MessageDeferred)
		if wait := time.Until(deferred.Until); deferred.Reason != domain.DeferredForPrefix || wait != shortestHold {
			t.Errorf("deferred for %v: %+v", wait, deferred)
		}
		time.Sleep(2 * time.Minute)
		dispatch()
		w.expect(waiting[1].MessageID, "message.accepted", "message.deferred", "message.expired")
		if w.carrier.sent() != sentBefore {
			t.Error("a text went to a paused prefix")
		}
		if _, err := w.handler.LiftFuse(t.Context(), Caller{Actor: "operator:olga", Reason: "a campaign"}, pumped, time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(longestHold)
		dispatch()
		w.expect(waiting[0].MessageID, "message.accepted", "message.deferred", "message.deferred", "message.attempted", "message.dispatched")
		w.expectFuses("fuse.blown", "fuse.lifted")
		w.send(pumped.Prefix, 30, false)
		time.Sleep(fuseRule.Wait)
		w.expectFuses("fuse.blown", "fuse.lifted")
	})
}

func TestAFuseLeavesAloneWhatIsHonestOrNotToBeJudged(t *testing.T) {
	for _, tt := range []struct {
		name string
		send func(w *world)
	}{
		{"most arrive", func(w *world) { w.send("+1212555", 60, true); w.send(pumped.Prefix, 30, true) }},
		{"no receipts come at all", func(w *world) {
			for _, elsewhere := range []string{"+1212555", "+1213555", "+1214555"} {
				w.send(elsewhere, 19, false)
			}
			w.send(pumped.Prefix, 30, false)
		}},
		{"too few", func(w *world) { w.send("+1212555", 60, true); w.send(pumped.Prefix, 19, false) }},
		{"always the same numbers", func(w *world) {
			w.send("+1212555", 60, true)
			for range 3 {
				w.send(pumped.Prefix, 19, false)
			}
		}},
		{"too slow", func(w *world) {
			w.send("+1212555", 19, true)
			w.send(pumped.Prefix, 15, false)
			time.Sleep(fuseRule.Window)
			w.send(pumped.Prefix, 15, false)
		}},
		{"exempt", func(w *world) {
			w.handler.Fuse.Rule.Exempt = []string{"+1415"}
			w.send("+1212555", 60, true)
			w.send(pumped.Prefix, 30, false)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.fuseOn(nil)
				w.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
				tt.send(w)
				time.Sleep(fuseRule.Wait + 2*time.Second)
				w.expectFuses()
			})
		})
	}
}

// archived is a store whose texts are detached.
type archived struct{ ports.EventStore }

func (s archived) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	streams, err := s.EventStore.LoadMany(ctx, ids)
	for id, recorded := range streams {
		for i := range recorded {
			if strings.HasPrefix(id, messagePrefix) {
				recorded[i].RawData = json.RawMessage("null")
				err = errors.Join(err, recorded[i].Decode())
			}
		}
	}
	return streams, err
}

func TestTextsThatWereDeliveredAndArchivedBlowNoFuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fuseOn(func(f *Fuse) { f.Store = archived{f.Store} })
		w.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
		w.send("+1212555", 60, true)
		w.send(pumped.Prefix, fuseRule.Texts, true)
		time.Sleep(fuseRule.Wait + 2*time.Second)
		w.expectFuses()
	})
}

func TestAFuseThatReportsPausesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.fuseOn(func(f *Fuse) { f.Rule.ReportOnly = true })
		w.pump()
		w.expectFuses("fuse.blown")
		if paused, reported := f.Blown(); paused != 0 || reported != 1 {
			t.Errorf("%d paused, %d reported", paused, reported)
		}
		w.send(pumped.Prefix, 30, false)
		time.Sleep(fuseRule.Wait)
		w.expectFuses("fuse.blown")
	})
}

// Two instances send half of the texts each; a third only takes requests.
func TestInstancesPutTogetherWhatTheySee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWorld(t)
		shared := &memory.Sightings{}
		share := func(f *Fuse) { f.Sightings = shared }
		first := a.fuseOn(share)
		second := a.fuseOn(share)
		third := a.fuseOn(share)
		half := func(f *Fuse, from int) {
			a.dispatcher.Fuse = f
			for i := range fuseRule.Texts / 2 {
				sent, err := a.handler.Send(t.Context(), caller, to(pumped.Prefix, from+i))
				if err != nil {
					t.Fatal(err)
				}
				if err := a.dispatcher.Dispatch(t.Context(), domain.Normal, []ports.Work{{MessageID: sent.ID, Attempt: 1}}); err != nil {
					t.Fatal(err)
				}
				a.settled()
			}
		}
		a.carrier.answer = func(ports.Text) ports.Outcome { return taken() }
		half(first, 0)
		half(second, 100)
		time.Sleep(fuseRule.Wait + 5*time.Second)
		a.expectFuses("fuse.blown")
		for i, f := range []*Fuse{first, second, third} {
			if paused, _ := f.Blown(); paused != 1 {
				t.Errorf("instance %d: %d paused", i, paused)
			}
		}
	})
}

func TestAPauseOutlastsMidnightAndARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour - 10*time.Minute - 90*time.Second)))
		w.fuseOn(nil)
		w.pump() // it blows just before midnight
		time.Sleep(10 * time.Minute)
		restarted := w.fuseOn(nil)
		if paused, _ := restarted.Blown(); paused != 1 {
			t.Errorf("%d paused after midnight", paused)
		}
		if _, err := w.handler.LiftFuse(t.Context(), Caller{Actor: "operator:olga"}, pumped, time.Hour); err != nil {
			t.Fatal(err)
		}
		w.expectFuses("fuse.lifted")
		standing, err := w.handler.Fuses(t.Context())
		if err != nil || len(standing) != 1 || !standing[0].Lifted {
			t.Errorf("in force: %+v, %v", standing, err)
		}
		if _, err := w.handler.LiftFuse(t.Context(), Caller{}, fuse.Block{Tenant: "acme", Prefix: "+4477"}, time.Hour); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("lifting what is not blown: %v", err)
		}
	})
}

func TestWhatIsGatheredIsBounded(t *testing.T) {
	var g gathering
	now := time.Unix(1_000_000, 0)
	rule := fuseRule
	attack := 0
	for i := range 4 * mostGathered {
		block := fuse.Block{Tenant: "acme", Prefix: fmt.Sprint("+1", i)}
		if i%1000 == 0 { // seen seldom, but again and again
			block = pumped
		}
		if g.add(rule, now, block, ports.Sighting{Number: uint64(i)}) != nil {
			attack++
		}
	}
	if n := len(g.young) + len(g.old); n > 2*mostGathered || g.size > mostGathered+rule.Texts {
		t.Errorf("%d blocks, %d sightings", n, g.size)
	}
	if want := 4 * mostGathered / 1000 / rule.Texts; attack != want {
		t.Errorf("%d samples of the attack, want %d", attack, want)
	}
}

func BenchmarkFuse(b *testing.B) {
	f := &Fuse{Rule: fuseRule}
	f.Rule.Texts = 50
	texts := make([]events.MessageAccepted, 1<<16)
	lookup := Lookup("0123456789abcdef0123456789abcdef")
	for i := range texts {
		texts[i].To = events.Personal(fmt.Sprintf("+1%03d%03d%04d", 200+i%700, 200+i/700%700, i%10_000))
		texts[i].Consent = lookup.ConsentStream("acme", texts[i].To)
	}
	b.ReportAllocs()
	now := time.Now()
	for i := 0; b.Loop(); i++ {
		text := texts[i%len(texts)]
		f.paused("acme", string(text.To), now) // at intake
		f.hold("acme", text, now)              // at the claim
		f.sent("acme", "msg_0123456789abcdef0123456789abcdef", text)
		if i%4000 == 0 { // a second
			f.gathering.share()
			now = now.Add(time.Second)
		}
	}
}
