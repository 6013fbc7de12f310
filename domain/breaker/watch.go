package breaker

import (
	"maps"
	"time"

	"github.com/pro-sms/prosms/domain"
)

// Watch is what one instance sees of a provider from one transition to the next:
// it starts anew with each. It is for one goroutine at a time.
type Watch struct {
	rule     Rule
	state    State
	window   Window
	unshared Tally
	trip     string // why it has to open; nothing is admitted any more
	counted  Tally  // that it has to open for

	leases map[int]time.Time // of probes under way: when they count as lost
	last   int               // lease given
	proven int               // probes that succeeded
}

// NewWatch watches a breaker that has just come to state.
func NewWatch(rule Rule, state State) *Watch {
	return &Watch{rule: rule, state: state, window: Window{Span: rule.Window}, leases: map[int]time.Time{}}
}

// Admit reports whether the provider may be called at now. Lease is to be named
// with the outcome: it is 0 for a call that is no probe.
func (w *Watch) Admit(now time.Time) (lease int, ok bool) {
	if w.trip != "" || w.state.Phase == Open {
		return 0, false
	}
	if w.state.Phase == Closed {
		return 0, true
	}
	maps.DeleteFunc(w.leases, func(_ int, until time.Time) bool { return !now.Before(until) })
	if len(w.leases)+w.proven >= w.rule.Probes {
		return 0, false
	}
	w.last++
	w.leases[w.last] = now.Add(w.rule.Lease)
	return w.last, true
}

// Return takes a lease back of a call that was not made.
func (w *Watch) Return(lease int) { delete(w.leases, lease) }

// Again returns when to ask again after a refusal, if nothing else happens by
// then; zero: nobody knows.
func (w *Watch) Again() time.Time {
	if w.state.Phase == Open {
		return w.state.Until
	}
	var first time.Time
	for _, until := range w.leases {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	return first
}

// Report takes the outcome of a call that was admitted. A probe that comes back
// after its lease proves nothing good any more, since another took its place.
func (w *Watch) Report(lease int, v Verdict, now time.Time) {
	_, leased := w.leases[lease]
	delete(w.leases, lease)
	switch {
	case v == Down:
		w.trip, w.counted = ReasonProviderWide, Tally{}
	case w.state.Phase == Closed:
		w.count(v, now)
	case w.state.Phase == HalfOpen && v == Failing:
		w.trip = ReasonProbe
	case w.state.Phase == HalfOpen && v == Healthy && leased:
		w.proven++
	}
}

func (w *Watch) count(v Verdict, now time.Time) {
	var t Tally
	switch v {
	case Healthy:
		t.Good = 1
	case Failing:
		t.Bad, t.Run = 1, 1
	default:
		return
	}
	w.window.Add(now, t)
	w.unshared = w.unshared.then(t)
	w.judge(w.window.Total(now))
}

// Share returns what was counted since the last Share.
func (w *Watch) Share() Tally {
	t := w.unshared
	w.unshared = Tally{}
	return t
}

// Learn takes what all instances together have counted.
func (w *Watch) Learn(all Tally) {
	if w.state.Phase == Closed {
		w.judge(all)
	}
}

func (w *Watch) judge(t Tally) {
	if w.trip == "" {
		if w.trip = w.rule.Broken(t); w.trip != "" {
			w.counted = t
		}
	}
}

// Tripped reports whether the breaker has to open, and nothing is admitted any more.
func (w *Watch) Tripped() bool { return w.trip != "" }

// Wants returns the transition that is due at now; nil: none.
func (w *Watch) Wants(provider string, now time.Time, chance float64) domain.Command {
	switch {
	case w.trip != "" && w.state.Phase != Open:
		return Trip{Provider: provider, Reason: w.trip, Counted: w.counted, Rule: w.rule, Chance: chance, Now: now}
	case w.state.ProbeDue(now):
		return Probe{Provider: provider, Now: now}
	case w.state.Phase == HalfOpen && w.proven >= w.rule.Probes:
		return Close{Provider: provider, Reason: ReasonProbes}
	}
	return nil
}
