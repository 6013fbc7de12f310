// Package breaker decides when a provider is called and when it is left alone. It
// is pure: outcomes, chance and the time enter as values.
//
// State is what the log says and all instances agree on; Watch is what one
// instance sees until the next transition, and which one it asks for.
package breaker

import (
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// Phase is where a breaker stands.
type Phase int

// The phases. In HalfOpen a few probes decide whether the provider is back.
const (
	Closed Phase = iota
	Open
	HalfOpen
)

// String returns the word that operators see.
func (p Phase) String() string { return [...]string{"closed", "open", "half-open"}[p] }

// Reasons of a transition.
const (
	ReasonRate         = "failure_rate"
	ReasonConsecutive  = "consecutive"
	ReasonProviderWide = "provider_wide"
	ReasonProbe        = "probe"      // failed
	ReasonProbes       = "probes"     // all succeeded
	ReasonOperator     = "operator: " // and why
)

// State is a provider's breaker. The zero value is closed.
type State struct {
	Phase    Phase
	Reason   string    // of the last transition
	Until    time.Time // Open: when probes begin; zero: when an operator closes it
	Openings int       // by failures, since it was last closed
	Counted  Tally     // by what it was last opened; zero: by something else
}

// Trip opens a breaker because its provider fails.
type Trip struct {
	Provider, Reason string
	Counted          Tally // what its rule was broken by; zero: something else
	Rule             Rule
	Chance           float64 // 0..1, for jitter
	Now              time.Time
}

// Hold opens it because an operator says so.
type Hold struct {
	Provider, Why string
	Until         time.Time // zero: until it is closed by hand
}

// Probe lets a few calls pass once the cooldown is over.
type Probe struct {
	Provider string
	Now      time.Time
}

// Close lets everything pass again.
type Close struct{ Provider, Reason string }

// Decide answers c with events; what is already so has none.
func (s State) Decide(c domain.Command) ([]events.Event, error) {
	switch c := c.(type) {
	case Trip:
		if s.Phase == Open {
			return nil, nil
		}
		until := c.Now.Add(c.Rule.cooldown(s.Openings, c.Chance))
		return []events.Event{events.BreakerOpened{
			Provider: c.Provider, Reason: c.Reason, Until: until,
			Succeeded: c.Counted.Good, Failed: c.Counted.Bad, InARow: c.Counted.Run,
		}}, nil
	case Hold:
		if s.Phase == Open && s.Until.Equal(c.Until) {
			return nil, nil
		}
		return []events.Event{events.BreakerOpened{Provider: c.Provider, Reason: ReasonOperator + c.Why, Until: c.Until}}, nil
	case Probe:
		if !s.ProbeDue(c.Now) {
			return nil, nil
		}
		return []events.Event{events.BreakerHalfOpened{Provider: c.Provider}}, nil
	case Close:
		if s.Phase == Closed {
			return nil, nil
		}
		return []events.Event{events.BreakerClosed{Provider: c.Provider, Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, domain.ErrUnknownCommand)
}

// Evolve returns s after e.
func (s State) Evolve(e events.Event) State {
	switch e := e.(type) {
	case events.BreakerOpened:
		s.Phase, s.Reason, s.Until, s.Counted = Open, e.Reason, e.Until, Tally{Good: e.Succeeded, Bad: e.Failed, Run: e.InARow}
		if !strings.HasPrefix(e.Reason, ReasonOperator) {
			s.Openings++
		}
	case events.BreakerHalfOpened:
		s.Phase, s.Until = HalfOpen, time.Time{}
	case events.BreakerClosed:
		s = State{Reason: e.Reason}
	}
	return s
}

// ProbeDue reports whether the cooldown of an open breaker is over.
func (s State) ProbeDue(now time.Time) bool {
	return s.Phase == Open && !s.Until.IsZero() && !now.Before(s.Until)
}
