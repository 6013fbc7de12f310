package whatif

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Breaker is what the thresholds of both policies make of the outcomes of a provider
// in the window. The log holds outcomes to the moment they were recorded, and not
// which instance counted which, so Was may differ a little from Recorded.
type Breaker struct {
	Provider string         `json:"provider"`
	Outcomes int            `json:"outcomes"` // that say something of its health
	Recorded int            `json:"recorded"` // openings in the log, operators' aside
	Openings Pair[Openings] `json:"openings"`
}

// Openings are those that one rule makes.
type Openings struct {
	Count int       `json:"count"`
	Held  int       `json:"held"`  // calls of the window that would have had to wait
	First []Opening `json:"first"` // of them, ten at the most
}

// Opening is one of them.
type Opening struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// mostOpenings bounds the list; all are counted.
const mostOpenings = 10

// breakers replays the outcomes of every provider.
type breakers struct {
	store      ports.EventStore
	from       int64
	was, would func(provider string) breaker.Rule
	watched    map[string]*watched
	report     *Report // whose gate transitions have to pass
}

type watched struct {
	outcomes, recorded int
	state              breaker.State // as the log has it
	was, would         simulated
}

// simulated is a breaker under one rule.
type simulated struct {
	provider string
	rule     breaker.Rule
	state    breaker.State
	watch    *breaker.Watch
	openings Openings
}

// breakerPrefix is before a provider's name in the id of its breaker's stream.
const breakerPrefix = "breaker_"

// see takes the next event of the window.
func (b *breakers) see(ctx context.Context, e events.Recorded) error {
	provider, verdict, ok := "", breaker.Silent, true
	switch d := e.Data.(type) {
	case events.MessageDispatched:
		provider, verdict = d.Provider, breaker.Judge(domain.ClassSent, 0, "")
	case events.MessageFailed:
		provider, verdict = d.Provider, breaker.Judge(domain.Class(d.Class), d.HTTPStatus, "")
	case events.MessageInDoubt:
		if d.Cause == domain.CauseRestored {
			return nil
		}
		provider, verdict = d.Provider, breaker.Judge(domain.ClassInDoubt, 0, d.Cause)
	default:
		if provider, ok = strings.CutPrefix(e.StreamID, breakerPrefix); !ok {
			return nil
		}
	}
	w, err := b.of(ctx, provider)
	if err != nil {
		return err
	}
	if strings.HasPrefix(e.StreamID, breakerPrefix) {
		if w.transition(e) {
			b.report.Decisions++
		} else {
			b.report.unreproduced(Unreproduced{ID: e.StreamID, Position: e.Position, Type: e.Type, Why: WhyBreaker})
		}
		return nil
	}
	if verdict != breaker.Silent {
		w.outcomes++
	}
	w.was.outcome(verdict, e.RecordedAt)
	w.would.outcome(verdict, e.RecordedAt)
	return nil
}

// of returns the breaker of a provider, as it stood before the window at first.
func (b *breakers) of(ctx context.Context, provider string) (*watched, error) {
	if w := b.watched[provider]; w != nil {
		return w, nil
	}
	recorded, err := b.store.Load(ctx, breakerPrefix+provider)
	if err != nil {
		return nil, fmt.Errorf("loading the breaker of %s: %w", provider, err)
	}
	var state breaker.State
	for _, e := range recorded {
		if e.Position <= b.from {
			state = state.Evolve(e.Data)
		}
	}
	begin := func(rule breaker.Rule) simulated {
		return simulated{
			provider: provider, rule: rule, state: state, watch: breaker.NewWatch(rule, state), openings: Openings{First: []Opening{}},
		}
	}
	w := &watched{state: state, was: begin(b.was(provider)), would: begin(b.would(provider))}
	if b.watched == nil {
		b.watched = map[string]*watched{}
	}
	b.watched[provider] = w
	return w, nil
}

// transition takes one from the log: what operators did holds under any rule. It
// reports whether the rule of the time explains it.
func (w *watched) transition(e events.Recorded) (explained bool) {
	reason := ""
	explained = explains(w.was.rule, w.state, e)
	w.state = w.state.Evolve(e.Data)
	switch d := e.Data.(type) {
	case events.BreakerOpened:
		reason = d.Reason
		if !strings.HasPrefix(reason, breaker.ReasonOperator) {
			w.recorded++
		}
	case events.BreakerClosed:
		reason = d.Reason
	}
	if strings.HasPrefix(reason, breaker.ReasonOperator) {
		w.was.become(e.Data)
		w.would.become(e.Data)
		return true
	}
	return explained
}

// WhyBreaker is why a transition of a breaker is not reproduced.
const WhyBreaker = "another cooldown, other thresholds, or another breaker"

// explains reports whether a breaker of this rule and state makes a transition, by some
// chance and at a moment near that of its record, and by the counts that it names.
func explains(rule breaker.Rule, s breaker.State, e events.Recorded) bool {
	switch d := e.Data.(type) {
	case events.BreakerOpened:
		if counted := s.Evolve(d).Counted; counted != (breaker.Tally{}) && rule.Broken(counted) != d.Reason {
			return false
		}
		until := func(now time.Time, chance float64) time.Time {
			decided, err := s.Decide(breaker.Trip{Provider: d.Provider, Reason: d.Reason, Rule: rule, Chance: chance, Now: now})
			if err != nil || len(decided) == 0 {
				return time.Time{}
			}
			return decided[0].(events.BreakerOpened).Until
		}
		return !d.Until.Before(until(e.RecordedAt.Add(-lag), 0)) && !d.Until.After(until(e.RecordedAt.Add(lag), 1))
	case events.BreakerHalfOpened:
		return s.ProbeDue(e.RecordedAt.Add(lag))
	case events.BreakerClosed:
		return s.Phase == breaker.HalfOpen
	}
	return true
}

func (s *simulated) become(e events.Event) {
	s.state = s.state.Evolve(e)
	s.watch = breaker.NewWatch(s.rule, s.state)
}

// outcome makes a call that came to v at a moment, if the breaker admits it.
func (s *simulated) outcome(v breaker.Verdict, at time.Time) {
	s.move(at)
	lease, ok := s.watch.Admit(at)
	if !ok {
		s.openings.Held++
		return
	}
	s.watch.Report(lease, v, at)
	s.move(at)
}

// move makes the transitions that are due.
func (s *simulated) move(at time.Time) {
	for command := s.watch.Wants(s.provider, at, 0.5); command != nil; command = s.watch.Wants(s.provider, at, 0.5) {
		decided, err := s.state.Decide(command)
		if err != nil || len(decided) == 0 {
			return
		}
		for _, e := range decided {
			s.become(e)
			if opened, ok := e.(events.BreakerOpened); ok {
				s.openings.add(Opening{at, opened.Reason})
			}
		}
	}
}

func (o *Openings) add(opening Opening) {
	if o.Count++; len(o.First) < mostOpenings {
		o.First = append(o.First, opening)
	}
}

// list returns the breakers by name.
func (b *breakers) list() []Breaker {
	list := []Breaker{}
	for _, name := range slices.Sorted(maps.Keys(b.watched)) {
		w := b.watched[name]
		list = append(list, Breaker{
			Provider: name, Outcomes: w.outcomes, Recorded: w.recorded,
			Openings: Pair[Openings]{w.was.openings, w.would.openings},
		})
	}
	return list
}
