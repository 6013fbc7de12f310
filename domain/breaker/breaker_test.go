package breaker_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rule = breaker.Rule{
		Window: time.Minute, FailureRate: 0.5, MinRequests: 6, Consecutive: 4,
		Cooldown: 30 * time.Second, Probes: 2, Lease: 20 * time.Second,
	}
)

// reference is a breaker told from its whole history, without any cleverness.
type reference struct {
	phase    breaker.Phase
	until    time.Time
	openings int
	trip     string
	counted  breaker.Tally // that it trips by
	calls    []call        // of this phase
	probes   []probe
	proven   int
}

type call struct {
	at  time.Time
	bad bool
}

type probe struct {
	lease int
	until time.Time
	over  bool
}

func (r *reference) admits(now time.Time) bool {
	if r.trip != "" || r.phase == breaker.Open {
		return false
	}
	if r.phase == breaker.Closed {
		return true
	}
	flying := 0
	for _, p := range r.probes {
		if !p.over && now.Before(p.until) {
			flying++
		}
	}
	return flying+r.proven < rule.Probes
}

func (r *reference) report(lease int, v breaker.Verdict, now time.Time) {
	if v == breaker.Down {
		r.trip, r.counted = breaker.ReasonProviderWide, breaker.Tally{}
	}
	switch r.phase {
	case breaker.Closed:
		r.count(v, now)
	case breaker.HalfOpen:
		if v == breaker.Failing {
			r.trip = breaker.ReasonProbe
		}
		for i, p := range r.probes {
			if p.lease == lease && !p.over {
				r.probes[i].over = true
				// Whoever asked meanwhile has found an expired lease free.
				if v == breaker.Healthy {
					r.proven++
				}
			}
		}
	}
}

func (r *reference) count(v breaker.Verdict, now time.Time) {
	if v != breaker.Healthy && v != breaker.Failing {
		return
	}
	r.calls = append(r.calls, call{now, v == breaker.Failing})
	n, bad, run := 0, 0, 0
	for _, c := range r.calls {
		if c.at.Unix() > now.Unix()-60 {
			n++
			if c.bad {
				bad++
			}
		}
		if run++; !c.bad {
			run = 0
		}
	}
	counted := breaker.Tally{Good: n - bad, Bad: bad, Run: run}
	switch {
	case r.trip != "":
	case run >= rule.Consecutive:
		r.trip, r.counted = breaker.ReasonConsecutive, counted
	case n >= rule.MinRequests && 2*bad > n:
		r.trip, r.counted = breaker.ReasonRate, counted
	}
}

// expected is the event that is due; nil for none.
func (r *reference) expected(now time.Time) events.Event {
	switch {
	case r.trip != "" && r.phase != breaker.Open:
		cooldown := 30 * time.Second
		for range r.openings {
			cooldown = min(2*cooldown, 4*time.Minute)
		}
		return events.BreakerOpened{
			Provider: "p", Reason: r.trip, Until: now.Add(cooldown),
			Succeeded: r.counted.Good, Failed: r.counted.Bad, InARow: r.counted.Run,
		}
	case r.phase == breaker.Open && !now.Before(r.until):
		return events.BreakerHalfOpened{Provider: "p"}
	case r.phase == breaker.HalfOpen && r.proven >= rule.Probes:
		return events.BreakerClosed{Provider: "p", Reason: breaker.ReasonProbes}
	}
	return nil
}

func (r *reference) after(e events.Event) {
	openings := r.openings
	switch e := e.(type) {
	case events.BreakerOpened:
		*r = reference{phase: breaker.Open, until: e.Until, openings: openings + 1}
	case events.BreakerHalfOpened:
		*r = reference{phase: breaker.HalfOpen, openings: openings}
	case events.BreakerClosed:
		*r = reference{}
	}
}

func TestABreakerDoesWhatItsWholeHistorySays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, state, model := noon, breaker.State{}, &reference{}
		watch := breaker.NewWatch(rule, state)
		var flying []int // leases of calls under way
		bad := rapid.IntRange(0, 10).Draw(t, "badness")
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 100, 700, 3_000, 12_000, 70_000}).Draw(t, "ms")) * time.Millisecond)
			if want := model.expected(now); want != nil {
				decided, err := state.Decide(watch.Wants("p", now, 0.5))
				if err != nil || len(decided) != 1 || decided[0] != want {
					t.Fatalf("at %v: %+v, %v; want %+v", now, decided, err, want)
				}
				state = state.Evolve(want)
				model.after(want)
				watch, flying = breaker.NewWatch(rule, state), nil
			} else if got := watch.Wants("p", now, 0.5); got != nil {
				t.Fatalf("at %v in %v: wants %+v, want nothing", now, state.Phase, got)
			}
			if len(flying) > 0 && rapid.Bool().Draw(t, "returns") {
				verdict := breaker.Healthy
				switch draw := rapid.IntRange(0, 40).Draw(t, "verdict"); {
				case draw < 3*bad:
					verdict = breaker.Failing
				case draw == 39:
					verdict = breaker.Silent
				case draw == 40:
					verdict = breaker.Down
				}
				watch.Report(flying[0], verdict, now)
				model.report(flying[0], verdict, now)
				flying = flying[1:]
				continue
			}
			want := model.admits(now)
			lease, ok := watch.Admit(now)
			if ok != want {
				t.Fatalf("at %v in %v: admitted %v, want %v", now, state.Phase, ok, want)
			}
			if ok {
				flying = append(flying, lease)
			}
			if lease != 0 {
				model.probes = append(model.probes, probe{lease: lease, until: now.Add(rule.Lease)})
			}
			// A lease that is over when somebody asks is gone for good.
			for i, p := range model.probes {
				if !now.Before(p.until) {
					model.probes[i].over = true
				}
			}
		}
	})
}

func TestEachVerdictSpeaksOfTheProviderAlone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		class domain.Class
		http  int
		cause string
		want  breaker.Verdict
	}{
		{"sent", domain.ClassSent, 201, "", breaker.Healthy},
		{"a bad number", domain.ClassPermanent, 400, "", breaker.Healthy},
		{"opted out", domain.ClassOptedOut, 400, "", breaker.Healthy},
		{"a sender that cannot", domain.ClassSender, 400, "", breaker.Healthy},
		{"too fast", domain.ClassThrottled, 429, "", breaker.Silent},
		{"timeout", domain.ClassInDoubt, 0, "timeout", breaker.Failing},
		{"server error", domain.ClassInDoubt, 503, "http_503", breaker.Failing},
		{"our own cancellation", domain.ClassInDoubt, 0, "canceled", breaker.Silent},
		{"no connection", domain.ClassNotSent, 0, "", breaker.Failing},
		{"refused, worth another try", domain.ClassNotSent, 409, "", breaker.Healthy},
		{"suspended account", domain.ClassProviderWide, 401, "", breaker.Down},
	} {
		if got := breaker.Judge(tt.class, tt.http, tt.cause); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsAlreadySoIsNotDecidedAgain(t *testing.T) {
	open := breaker.State{}.Evolve(events.BreakerOpened{Reason: breaker.ReasonRate, Until: noon})
	byHand := breaker.State{}.Evolve(events.BreakerOpened{Reason: breaker.ReasonOperator + "maintenance"})
	for _, tt := range []struct {
		name    string
		state   breaker.State
		command domain.Command
		want    int
	}{
		{"an open one is not tripped", open, breaker.Trip{Rule: rule, Now: noon}, 0},
		{"an open one is held by hand", open, breaker.Hold{}, 1},
		{"and that once", byHand, breaker.Hold{Why: "again"}, 0},
		{"no probe before the time", open, breaker.Probe{Now: noon.Add(-time.Second)}, 0},
		{"a probe when it is over", open, breaker.Probe{Now: noon}, 1},
		{"none ever while held by hand", byHand, breaker.Probe{Now: noon.Add(1000 * time.Hour)}, 0},
		{"a closed one is not closed", breaker.State{}, breaker.Close{}, 0},
		{"one held by hand is", byHand, breaker.Close{}, 1},
	} {
		decided, err := tt.state.Decide(tt.command)
		if err != nil || len(decided) != tt.want {
			t.Errorf("%s: %v, %v", tt.name, decided, err)
		}
	}
	if byHand.Openings != 0 {
		t.Error("a breaker opened by hand makes later cooldowns longer")
	}
}
