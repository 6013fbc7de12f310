package whatif

import (
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// course is how a text went in the window, or would go.
type course struct {
	status   domain.Status
	attempts map[int]attempt // of the window
	unknown  string          // why the end is not known; empty: it is
	change   *change         // the first decision that differs; nil: none
}

// attempt is one claim that was won.
type attempt struct {
	provider string
	at       time.Time
}

// change is where two courses part.
type change struct {
	Cause    string `json:"cause"`
	Position int64  `json:"position"` // of the event that was decided otherwise
	Was      string `json:"was"`
	Would    string `json:"would"`
}

// Why an end is unknown.
const (
	UnknownAttempt  = "an attempt that was not made"
	UnknownProvider = "an attempt by a provider that was not asked"
	UnknownAnswer   = "what came of an attempt whose outcome the window does not hold"
	UnknownLookup   = "a look-up that was not made"
	UnknownConsent  = "whether the recipient had opted out by then"
	UnknownPerson   = "what an operator would have decided"
	UnknownRestored = "what went on while the log was set back"
)

// ending is the course that t took.
func (t text) ending(facts []fact) course {
	m, _ := t.start()
	c := course{attempts: map[int]attempt{}}
	for _, f := range facts {
		for _, e := range f.recorded {
			m = m.Evolve(e.Data)
			c.note(e.Data, f.at)
		}
	}
	c.status = m.Status
	return c
}

func (c *course) note(e events.Event, at time.Time) {
	if e, ok := e.(events.MessageAttempted); ok {
		c.attempts[e.Attempt] = attempt{e.Provider, at}
	}
}

// under is the course that t would take under p: fact by fact as it was, until a
// decision differs; from there on by what is known of each attempt.
func (t text) under(p Policy, facts []fact) course {
	m, since := t.start()
	c := course{attempts: map[int]attempt{}}
	for i, f := range facts {
		decided, err := m.Decide(f.command(p, m, f.at, since))
		if err == nil && len(decided) == len(f.recorded) && allSame(decided, f.recorded) {
			for _, e := range f.recorded {
				m, since = m.Evolve(e.Data), doubtSince(since, e)
				c.note(e.Data, f.at)
			}
			continue
		}
		c.change = parting(f, decided)
		s := newSimulation(t, p, facts, i, &c)
		s.m, s.since = m, since
		s.take(decided, f.at)
		s.run()
		c.status = s.m.Status
		return c
	}
	c.status = m.Status
	return c
}

func allSame(decided []events.Event, recorded []events.Recorded) bool {
	for i, e := range decided {
		if !same(e, recorded[i]) {
			return false
		}
	}
	return true
}

// parting names what it is about the policy that makes f come out otherwise.
func parting(f fact, decided []events.Event) *change {
	last := f.recorded[len(f.recorded)-1]
	c := &change{Position: last.Position, Was: tell(last.Data), Would: "nothing"}
	if len(decided) == 0 {
		c.Cause = CauseOther
		return c
	}
	would := decided[len(decided)-1]
	c.Would = tell(would)
	_, wasRetried := last.Data.(events.MessageRetried)
	_, isRetried := would.(events.MessageRetried)
	_, wasAttempted := last.Data.(events.MessageAttempted)
	_, isAttempted := would.(events.MessageAttempted)
	switch {
	case f.kind == claim && wasAttempted && isAttempted:
		c.Cause = CauseRoutes
	case f.kind == claim:
		c.Cause = CauseHours
	case wasRetried && isRetried:
		c.Cause = CauseDelays
	case f.kind == lookup:
		c.Cause = CauseDoubt
	case f.kind == answer:
		c.Cause = CauseRetries
	default:
		c.Cause = CauseOther
	}
	return c
}

// What about the policy makes a text's course differ.
const (
	CauseRoutes  = "routes"
	CauseHours   = "quiet hours"
	CauseDelays  = "retry delays"
	CauseRetries = "number of retries"
	CauseDoubt   = "policy for doubts"
	CauseOther   = "other"
)

// tell says what was decided, in words without anything personal.
func tell(e events.Event) string {
	switch e := e.(type) {
	case events.MessageAttempted:
		return "sent by " + e.Provider
	case events.MessageDeferred:
		return "put off until " + e.Until.UTC().Format(time.RFC3339)
	case events.MessageRetried:
		if e.Delay == 0 {
			return "tried again at once"
		}
		return "tried again after " + time.Duration(e.Delay).Round(time.Second).String()
	case events.MessageDeadLettered:
		return "dead letter: " + e.Reason
	case events.MessageExpired:
		return "expired"
	}
	return e.EventType()
}
