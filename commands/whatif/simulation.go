package whatif

import (
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// simulation carries a text on from where its course parts from the one it took.
type simulation struct {
	t      text
	p      Policy
	course *course
	m      domain.Message
	now    time.Time
	since  time.Time // when the last doubt arose

	known    map[int]*known // of attempts
	canceled *fact          // later than the parting
	persons  bool           // somebody decided about the text, later
	restored bool           // the log was set back, later
}

// known is what happened to an attempt.
type known struct {
	provider string // that was asked; empty: none was

	claim  *fact         // with which it was decided whether it is made
	late   time.Duration // from when it was due to that
	answer *fact
	took   time.Duration // the answer
	doubt  *fact         // what settled it
	lasted time.Duration // the doubt
	proof  *fact         // a receipt that said it was sent
	final  *fact         // a receipt that ended it
}

// newSimulation begins where the fact with the index parting is decided otherwise.
func newSimulation(t text, p Policy, facts []fact, parting int, c *course) *simulation {
	s := &simulation{t: t, p: p, course: c, known: map[int]*known{}}
	var clock clock
	for _, e := range t.before {
		s.learn(e, &clock)
	}
	for i := range facts {
		f := &facts[i]
		k := s.of(f.attempt)
		switch f.kind {
		case claim:
			k.claim, k.late = f, max(0, f.at.Sub(clock.due))
		case answer:
			k.answer, k.took = f, max(0, f.at.Sub(clock.claimed))
		case lookup:
			k.doubt, k.lasted = f, max(0, f.at.Sub(clock.doubted))
		case receipt:
			k.receipt(f)
		case other:
			if i >= parting {
				s.intervene(f)
			}
		}
		for _, e := range f.recorded {
			s.learn(e, &clock)
		}
	}
	return s
}

// of returns what is known of an attempt.
func (s *simulation) of(attempt int) *known {
	if s.known[attempt] == nil {
		s.known[attempt] = &known{}
	}
	return s.known[attempt]
}

func (k *known) receipt(f *fact) {
	if _, ok := f.recorded[0].Data.(events.MessageReconciled); ok {
		k.proof = f
		return
	}
	k.final = f
}

// intervene notes what is no part of a text's own course.
func (s *simulation) intervene(f *fact) {
	switch f.recorded[0].Data.(type) {
	case events.MessageCanceled:
		s.canceled = f
	case events.MessageRedriven, events.MessageDiscarded, events.MessageReconciled:
		s.persons = true
	case events.MessageAttempted, events.MessageInDoubt:
		s.restored = true
	}
}

// clock is when the last attempt was due, claimed and in doubt.
type clock struct{ due, claimed, doubted time.Time }

func (s *simulation) learn(e events.Recorded, c *clock) {
	switch d := e.Data.(type) {
	case events.MessageAccepted:
		if c.due = e.RecordedAt; d.SendAt != nil {
			c.due = *d.SendAt
		}
	case events.MessageRetried:
		c.due = d.DueAt
	case events.MessageRedriven:
		c.due = e.RecordedAt
	case events.MessageDeferred:
		if d.Reason == domain.DeferredForHours {
			c.due = d.Until
		}
	case events.MessageAttempted:
		s.of(d.Attempt).provider, c.claimed = d.Provider, e.RecordedAt
	case events.MessageInDoubt:
		c.doubted = e.RecordedAt
	}
}

// take lets the text go on with what was decided at a moment.
func (s *simulation) take(decided []events.Event, at time.Time) {
	s.now = at
	for _, e := range decided {
		s.m = s.m.Evolve(e)
		s.course.note(e, at)
		if _, ok := e.(events.MessageInDoubt); ok {
			s.since = at
		}
	}
}

// ask has the text decide f at a moment, and reports whether anything came of it.
func (s *simulation) ask(f *fact, at time.Time) bool {
	decided, err := s.m.Decide(f.command(s.p, s.m, at, s.since))
	if err != nil || len(decided) == 0 {
		return false
	}
	s.take(decided, at)
	return true
}

// run goes on until the text ends, or nothing is known of what comes next, or that
// lies beyond the window.
func (s *simulation) run() {
	if s.restored {
		s.course.unknown = UnknownRestored
	}
	for goesOn := true; goesOn && s.course.unknown == ""; {
		k := s.of(s.m.Attempt)
		switch {
		case s.m.Waiting():
			goesOn = s.claim()
		case s.m.Status == domain.Dispatching && k.provider == "":
			s.course.unknown = UnknownAttempt
		case s.m.Status == domain.Dispatching && k.provider != s.m.Provider:
			s.course.unknown = UnknownProvider
		case s.m.Status == domain.Dispatching:
			goesOn = s.pass(k.answer, k.took) || s.proven() || s.stay(UnknownAnswer)
		case s.m.Status == domain.InDoubt:
			goesOn = s.pass(k.doubt, k.lasted) || s.proven() || s.stay(UnknownLookup)
		case s.m.Status == domain.Dispatched:
			goesOn = s.pass(k.final, 0)
		case s.m.InDoubtHeld() && s.proven():
		case s.m.Status == domain.DeadLettered && s.persons:
			s.course.unknown = UnknownPerson
		default:
			goesOn = false
		}
	}
}

// pass has f decided a while after what came last, and reports whether anything came
// of it.
func (s *simulation) pass(f *fact, after time.Duration) bool {
	return f != nil && s.ask(f, s.now.Add(after))
}

// claim asks for the next attempt when it is due, as late as it was claimed then.
func (s *simulation) claim() bool {
	n := s.m.Attempt + 1
	k, at := s.of(n), s.now
	if s.m.DueAt.After(at) {
		at = s.m.DueAt
	}
	at = at.Add(k.late)
	k.late = 0 // once
	f := k.claim
	switch {
	case s.canceled != nil && s.m.Attempt == 0 && !at.Before(s.canceled.at):
		return s.ask(s.canceled, s.canceled.at)
	case s.provenBy(at):
		return true
	case f == nil && at.After(s.t.until):
		return false // it waits beyond what the window tells
	case f != nil && f.optedOut && at.Before(f.at):
		s.course.unknown = UnknownConsent
		return false
	case f == nil:
		f = &claims(s.t.id, s.m, at, asked{})[0]
	}
	return s.ask(f, at)
}

// proven takes a receipt that settled an attempt, whenever it came.
func (s *simulation) proven() bool { return s.provenBy(s.t.until) }

// provenBy is proven by a receipt that had come by then.
func (s *simulation) provenBy(by time.Time) bool {
	for n := s.m.Attempt; n > 0; n-- {
		if f := s.of(n).proof; f != nil && !f.at.After(by) {
			at := s.now
			if f.at.After(at) {
				at = f.at
			}
			return s.ask(f, at)
		}
	}
	return false
}

// stay leaves the text where it is, which is where it was when the window ended; else
// its end is unknown.
func (s *simulation) stay(why string) bool {
	switch {
	case s.persons:
		s.course.unknown = UnknownPerson
	case !s.t.open():
		s.course.unknown = why
	}
	return false
}

// open reports whether t had not ended in the window.
func (t text) open() bool {
	m, _ := t.start()
	for _, e := range t.window {
		m = m.Evolve(e.Data)
	}
	return !m.Final() && m.Status != domain.Dispatched
}
