package whatif_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/commands/whatif"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
)

func TestTheSamePolicyReproducesWhatItDecided(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t)
		for i := range rapid.IntRange(1, 4).Draw(r, "texts") {
			h.accept(r, fmt.Sprint("msg_", i))
			for range rapid.IntRange(0, 25).Draw(r, "steps") {
				h.pass(rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Second, time.Minute, 3 * time.Hour}).Draw(r, "pause"))
				h.step(r, fmt.Sprint("msg_", i))
			}
		}
		from := rapid.Int64Range(0, h.head()).Draw(r, "from")
		report := h.run(policy(), policy(), from)
		if report.Unreproduced > 0 || report.Changed > 0 || !maps.Equal(report.Statuses.Was, report.Statuses.Would) {
			r.Fatalf("from %d: %+v", from, report)
		}
	})
}

// world is what becomes of the attempts at a text, whatever is decided: the same of
// each, whichever provider makes it.
type world struct {
	answers []string  // class; "in_doubt" is settled by look-ups without a trace
	chance  []float64 // for jitter
}

// live has a text live in w under h's policy, from being accepted to its end.
func (h *history) live(id string, w world, text events.MessageAccepted) {
	h.Helper()
	h.do(id, domain.Accept{Text: text})
	for range 100 {
		m, _ := h.message(id)
		n := min(max(m.Attempt, 1), len(w.answers)) - 1
		switch {
		case m.Waiting():
			h.now = latest(h.now, m.DueAt).Add(time.Millisecond)
			h.claim(id, 0)
		case m.Status == domain.Dispatching:
			h.pass(time.Second)
			switch class := w.answers[n]; class {
			case "sent":
				h.do(id, domain.RecordSent{Attempt: m.Attempt, Provider: m.Provider, ProviderMessageID: fmt.Sprint("SM", m.Attempt)})
			case "in_doubt":
				h.do(id, domain.RecordDoubt{Attempt: m.Attempt, Cause: "timeout"})
			default:
				h.fail(id, class, 0, w.chance[n])
			}
		case m.Status == domain.InDoubt:
			h.pass(5 * time.Minute)
			h.settle(id, true, w.chance[n])
		case m.Status == domain.Dispatched:
			h.pass(time.Second)
			h.do(id, domain.Receipt{Attempt: m.Attempt, ProviderMessageID: m.ProviderMessageID, ProviderStatus: "delivered", Result: domain.ReceiptDelivered, At: h.now})
		default:
			return
		}
	}
	h.Fatal("a text that never ends")
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// What is said of another policy is what that policy does in the same world, or
// that nobody knows.
func TestAnotherPolicyDoesWhatIsForetold(t *testing.T) {
	known := 0
	rapid.Check(t, func(r *rapid.T) {
		was, would := policy(), policy()
		would.Schedule.Max = rapid.IntRange(0, 4).Draw(r, "max")
		would.Schedule.Delays = []time.Duration{time.Duration(rapid.IntRange(1, 3600).Draw(r, "delay")) * time.Second}
		would.Quiet = hours(rapid.SampledFrom([]string{"09:00-20:00", "13:00-14:00", "00:00-24:00"}).Draw(r, "hours"))
		resend := rapid.Bool().Draw(r, "resend")
		would.Resend = func(domain.Lane, bool) bool { return resend }
		var w world
		for range rapid.IntRange(1, 6).Draw(r, "answers") {
			w.answers = append(w.answers, rapid.SampledFrom([]string{"not_sent", "not_sent", "throttled", "unroutable", "in_doubt", "permanent", "sent"}).Draw(r, "answer"))
			w.chance = append(w.chance, rapid.Float64Range(0, 1).Draw(r, "chance"))
		}
		text := events.MessageAccepted{
			Lane: rapid.SampledFrom([]string{"normal", "bulk"}).Draw(r, "lane"),
			Kind: rapid.SampledFrom([]string{"transactional", "marketing"}).Draw(r, "kind"),
		}
		past, other := newHistory(t), newHistory(t)
		other.p = would
		past.live("msg_1", w, text)
		past.later()
		other.live("msg_1", w, text)
		report := past.run(was, would, 0)
		if report.Unreproduced > 0 || report.Texts != 1 {
			r.Fatalf("the gate: %+v", report)
		}
		end, _ := other.message("msg_1")
		foretold := slices.Collect(maps.Keys(report.Statuses.Would))[0]
		switch {
		case foretold == whatif.StatusUnknown:
			if before, _ := past.message("msg_1"); len(report.Unknown) != 1 || before.Attempt > end.Attempt {
				r.Fatalf("unknown although each attempt was made: %+v", report)
			}
		case foretold != string(end.Status) || report.Attempts.Would != end.Attempt:
			r.Fatalf("foretold %s, became %s after %d attempts: %+v", foretold, end.Status, end.Attempt, report)
		default:
			known++
		}
	})
	if known < 30 {
		t.Errorf("only %d ends were foretold", known)
	}
}

// yesterday is a day by hand: one text is sent at once, one at its second attempt,
// one is given up after three.
func yesterday(t *testing.T) *history {
	h := newHistory(t)
	h.p.Candidates = routed("a")
	mean := []float64{0.5, 0.5, 0.5}
	text := events.MessageAccepted{Lane: "normal", Kind: "transactional"}
	h.live("msg_1", world{[]string{"sent"}, mean}, text)
	h.live("msg_2", world{[]string{"not_sent", "sent"}, mean}, text)
	h.live("msg_3", world{[]string{"not_sent", "not_sent", "not_sent"}, mean}, text)
	h.later()
	return h
}

func TestEachPartOfAPolicyShowsInTheReport(t *testing.T) {
	type figures struct {
		Changed             int
		Causes              []string
		Unknown             []string
		Was, Would          whatif.Counts
		Attempts            whatif.Pair[int]
		Gained, Lost        int
		Other, Early, Later int
	}
	for _, tt := range []struct {
		name   string
		change func(*whatif.Policy)
		want   figures
	}{
		{"nothing", func(*whatif.Policy) {}, figures{
			Would: whatif.Counts{"delivered": 2, "dead_lettered": 1}, Attempts: whatif.Pair[int]{Was: 6, Would: 6},
		}},
		{"one retry instead of two", func(p *whatif.Policy) { p.Schedule.Max = 1 }, figures{
			Changed: 1, Causes: []string{whatif.CauseRetries},
			Would: whatif.Counts{"delivered": 2, "dead_lettered": 1}, Attempts: whatif.Pair[int]{Was: 6, Would: 5},
		}},
		{"no retry", func(p *whatif.Policy) { p.Schedule.Max = 0 }, figures{
			Changed: 2, Causes: []string{whatif.CauseRetries},
			Would: whatif.Counts{"delivered": 1, "dead_lettered": 2}, Attempts: whatif.Pair[int]{Was: 6, Would: 3}, Gained: 1,
		}},
		{"a third retry, which nobody answered", func(p *whatif.Policy) { p.Schedule.Max = 3 }, figures{
			Changed: 1, Causes: []string{whatif.CauseRetries}, Unknown: []string{whatif.UnknownAttempt},
			Would: whatif.Counts{"delivered": 2, "unknown": 1}, Attempts: whatif.Pair[int]{Was: 6, Would: 7},
		}},
		{"shorter delays", func(p *whatif.Policy) { p.Schedule.Delays = []time.Duration{10 * time.Second} }, figures{
			Changed: 2, Causes: []string{whatif.CauseDelays},
			Would: whatif.Counts{"delivered": 2, "dead_lettered": 1}, Attempts: whatif.Pair[int]{Was: 6, Would: 6}, Early: 2,
		}},
		{"a second provider to fail over to", func(p *whatif.Policy) { p.Candidates = routed("a", "b") }, figures{
			Changed: 2, Causes: []string{whatif.CauseDelays}, Unknown: []string{whatif.UnknownProvider},
			Would: whatif.Counts{"delivered": 1, "unknown": 2}, Attempts: whatif.Pair[int]{Was: 6, Would: 5}, Other: 2, Early: 2,
		}},
		{"another provider", func(p *whatif.Policy) { p.Candidates = routed("b") }, figures{
			Changed: 3, Causes: []string{whatif.CauseRoutes}, Unknown: []string{whatif.UnknownProvider},
			Would: whatif.Counts{"unknown": 3}, Attempts: whatif.Pair[int]{Was: 6, Would: 3}, Other: 3,
		}},
		{"hours that are over", func(p *whatif.Policy) {
			p.Quiet = func(events.MessageAccepted, time.Time) domain.Quiet { return domain.Quiet{Never: true} }
		}, figures{
			Changed: 3, Causes: []string{whatif.CauseHours},
			Would: whatif.Counts{"dead_lettered": 3}, Attempts: whatif.Pair[int]{Was: 6, Would: 0}, Gained: 2,
		}},
		{"hours that begin later", func(p *whatif.Policy) {
			p.Quiet = func(_ events.MessageAccepted, now time.Time) domain.Quiet {
				return domain.Quiet{Until: latest(now, time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC))}
			}
		}, figures{
			Changed: 3, Causes: []string{whatif.CauseHours},
			Would: whatif.Counts{"delivered": 2, "dead_lettered": 1}, Attempts: whatif.Pair[int]{Was: 6, Would: 6}, Later: 3,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := yesterday(t)
			would := h.p
			tt.change(&would)
			r := h.run(h.p, would, 0)
			if r.Unreproduced > 0 || r.Decisions != 17 {
				t.Fatalf("the gate: %+v", r)
			}
			tt.want.Was = whatif.Counts{"delivered": 2, "dead_lettered": 1}
			got := figures{
				r.Changed, slices.Sorted(maps.Keys(r.Causes)), slices.Sorted(maps.Keys(r.Unknown)), r.Statuses.Was, r.Statuses.Would,
				r.Attempts, r.DeadLettersGained, r.DeadLettersLost, r.OtherProvider, r.Earlier, r.Later,
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnExampleTellsWhereTheCoursesPart(t *testing.T) {
	h := yesterday(t)
	would := h.p
	would.Schedule.Max = 0
	examples := h.run(h.p, would, 0).Causes[whatif.CauseRetries].Examples
	if len(examples) != 2 || examples[0].ID != "msg_2" || examples[0].Change.Was != "tried again after 30s" ||
		examples[0].Change.Would != "dead letter: exhausted" || examples[0].Ends != (whatif.Pair[string]{Was: "delivered", Would: "dead_lettered"}) {
		t.Errorf("%+v", examples)
	}
}

func TestADoubtIsHeldOrSentAgain(t *testing.T) {
	h := newHistory(t)
	h.p.Candidates = routed("a")
	h.live("msg_1", world{[]string{"in_doubt", "sent"}, []float64{0.5, 0.5}}, events.MessageAccepted{Lane: "normal"})
	h.later()
	hold := h.p
	hold.Resend = func(domain.Lane, bool) bool { return false }
	r := h.run(h.p, hold, 0)
	if r.Changed != 1 || r.Causes[whatif.CauseDoubt] == nil || r.Statuses.Would["dead_lettered"] != 1 || r.DeadLettersGained != 1 {
		t.Errorf("held: %+v", r)
	}
}

// A policy that is not the one of the time explains nothing, and where is told.
func TestThePolicyOfAnotherTimeIsFoundOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*whatif.Policy)
		texts  int
		why    string
	}{
		{"longer delays", func(p *whatif.Policy) { p.Schedule.Delays[0] *= 2 }, 2, whatif.WhyRetry},
		{"shorter delays", func(p *whatif.Policy) { p.Schedule.Delays[0] /= 2 }, 2, whatif.WhyRetry},
		{"more retries", func(p *whatif.Policy) { p.Schedule.Max++ }, 1, whatif.WhyRetry},
		{"other routes", func(p *whatif.Policy) { p.Candidates = routed("c") }, 3, whatif.WhyProvider},
		{"other hours", func(p *whatif.Policy) {
			p.Quiet = func(events.MessageAccepted, time.Time) domain.Quiet { return domain.Quiet{Never: true} }
		}, 3, whatif.WhyHours},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := yesterday(t)
			was := h.p
			was.Schedule.Delays = slices.Clone(was.Schedule.Delays)
			tt.change(&was)
			r := h.run(was, h.p, 0)
			if r.Unreproduced != tt.texts || r.UnreproducedWhy[tt.why] != tt.texts || r.UnreproducedExamples[0].Position == 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// elsewhere is a store of which one text was detached.
type elsewhere struct {
	dated
	id string
}

func (s elsewhere) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	streams, err := s.dated.LoadMany(ctx, ids)
	for i, e := range streams[s.id] {
		streams[s.id][i].RawData, streams[s.id][i].Data = []byte("null"), events.Detached{Type: e.Type}
	}
	return streams, err
}

func TestATextThatWasDetachedIsNotGuessedAt(t *testing.T) {
	h := yesterday(t)
	r, err := whatif.Run(t.Context(), whatif.Options{
		Store: elsewhere{dated{h.store, h.at}, "msg_2"}, To: h.head(), Was: h.p, Would: h.p,
	})
	if err != nil || r.Texts != 3 || r.Unreproduced != 1 || r.UnreproducedWhy[whatif.WhyDetached] != 1 || r.UnreproducedExamples[0].ID != "msg_2" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestATextIsJudgedFromTheWindowOn(t *testing.T) {
	h := yesterday(t)
	none := h.p
	none.Schedule.Max = 0
	if r := h.run(h.p, none, h.head()); r.Texts != 0 {
		t.Errorf("nothing happened since: %+v", r)
	}
	// After the first failure of msg_3 its second one is the first to be judged.
	second := h.load("msg_3")[5].Position - 1
	r := h.run(h.p, none, second)
	if r.Texts != 1 || r.Attempts != (whatif.Pair[int]{Was: 1, Would: 0}) && r.Changed != 1 {
		t.Errorf("%+v", r)
	}
}

func TestBreakersAreReplayedUnderBothRules(t *testing.T) {
	h := newHistory(t)
	h.p.Candidates = routed("a")
	for i := range 6 {
		h.live(fmt.Sprint("msg_", i), world{[]string{"permanent"}, []float64{0}}, events.MessageAccepted{})
	}
	for i := range 6 {
		id := fmt.Sprint("msg_failing_", i)
		h.do(id, domain.Accept{})
		h.claim(id, 0)
		h.fail(id, "not_sent", 0, 0)
	}
	h.append("breaker_a", 0, events.BreakerOpened{Provider: "a", Reason: breaker.ReasonConsecutive, Until: h.now.Add(rule.Cooldown)})
	h.append("breaker_a", 1, events.BreakerOpened{Provider: "a", Reason: breaker.ReasonOperator + "maintenance"})
	h.live("msg_held", world{[]string{"sent"}, []float64{0}}, events.MessageAccepted{})
	would := h.p
	lenient := rule
	lenient.Consecutive, lenient.FailureRate = 100, 0.9
	would.Breaker = func(string) breaker.Rule { return lenient }
	r := h.run(h.p, would, 0)
	want := []whatif.Breaker{{
		Provider: "a", Outcomes: 13, Recorded: 1,
		Openings: whatif.Pair[whatif.Openings]{
			// The fourth failure opens it: two more calls, and the one after the
			// operator's order, would have waited.
			Was:   whatif.Openings{Count: 1, Held: 3, First: []whatif.Opening{{At: r.Breakers[0].Openings.Was.First[0].At, Reason: breaker.ReasonConsecutive}}},
			Would: whatif.Openings{Count: 0, Held: 1, First: []whatif.Opening{}},
		},
	}}
	if diff := cmp.Diff(want, r.Breakers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheGateHoldsBreakersToTheirRule(t *testing.T) {
	opened := func(during time.Duration) func(h *history) {
		return func(h *history) {
			h.append("breaker_a", 0, events.BreakerOpened{Provider: "a", Reason: breaker.ReasonConsecutive, Until: h.now.Add(during)})
		}
	}
	again := func(first, second time.Duration) func(h *history) {
		return func(h *history) {
			opened(first)(h)
			h.pass(first)
			h.append("breaker_a", 1, events.BreakerHalfOpened{Provider: "a"})
			h.append("breaker_a", 2, events.BreakerOpened{Provider: "a", Reason: breaker.ReasonProbe, Until: h.now.Add(second)})
		}
	}
	by := func(reason string, succeeded, failed, inARow int) func(h *history) {
		return func(h *history) {
			h.append("breaker_a", 0, events.BreakerOpened{
				Provider: "a", Reason: reason, Until: h.now.Add(rule.Cooldown), Succeeded: succeeded, Failed: failed, InARow: inARow,
			})
		}
	}
	for name, tt := range map[string]struct {
		happen       func(h *history)
		unreproduced int
	}{
		"by as many in a row as the rule has":       {by(breaker.ReasonConsecutive, 3, rule.Consecutive, rule.Consecutive), 0},
		"by fewer":                                  {by(breaker.ReasonConsecutive, 3, rule.Consecutive-1, rule.Consecutive-1), 1},
		"by a share that the rule has":              {by(breaker.ReasonRate, rule.MinRequests, rule.MinRequests+1, 1), 0},
		"by a smaller one":                          {by(breaker.ReasonRate, rule.MinRequests+1, rule.MinRequests, 1), 1},
		"by a share of too few calls":               {by(breaker.ReasonRate, 0, rule.MinRequests-1, 1), 1},
		"by a share, where they were many in a row": {by(breaker.ReasonRate, 0, rule.MinRequests, rule.Consecutive), 1},
		"a cooldown varied by chance":               {opened(rule.Cooldown * 119 / 100), 0},
		"a longer one":                              {opened(2 * rule.Cooldown), 1},
		"a shorter one":                             {opened(rule.Cooldown / 2), 1},
		"a longer one, by an operator": {func(h *history) {
			h.append("breaker_a", 0, events.BreakerOpened{Provider: "a", Reason: breaker.ReasonOperator + "x", Until: h.now.Add(time.Hour)})
		}, 0},
		"it doubles when a probe fails": {again(rule.Cooldown, 2*rule.Cooldown), 0},
		"it does not":                   {again(rule.Cooldown, rule.Cooldown), 1},
		"probed too early": {func(h *history) {
			opened(rule.Cooldown)(h)
			h.append("breaker_a", 1, events.BreakerHalfOpened{Provider: "a"})
		}, 1},
		"closed without probes": {func(h *history) {
			opened(rule.Cooldown)(h)
			h.append("breaker_a", 1, events.BreakerClosed{Provider: "a", Reason: breaker.ReasonProbes})
		}, 1},
	} {
		h := newHistory(t)
		tt.happen(h)
		r := h.run(h.p, h.p, 0)
		if r.Unreproduced != tt.unreproduced || r.UnreproducedWhy[whatif.WhyBreaker] != tt.unreproduced {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
