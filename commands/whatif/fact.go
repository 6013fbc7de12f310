package whatif

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// text is one text: what happened to it before the window, and in it.
type text struct {
	id     string
	before []events.Recorded
	window []events.Recorded
	until  time.Time // when the window ends
}

// kind says who spoke.
type kind int

const (
	other   kind = iota // whoever accepted it or had it redacted, a person, or a backup that was restored
	claim               // the dispatcher, for an attempt
	wait                // the gate or the fuse: the attempt had to wait for a breaker, its turn or a pause
	answer              // the provider, or nobody in its place
	lookup              // the provider, asked about a doubt
	receipt             // the provider, later
)

// fact is one thing that happened, and the command that it is under a policy.
type fact struct {
	kind     kind
	attempt  int
	at       time.Time // of the decision
	optedOut bool      // the recipient, when the attempt was to be claimed
	// command asks m under p. Since is when the last doubt of m arose.
	command  func(p Policy, m domain.Message, at, since time.Time) domain.Command
	recorded []events.Recorded // what followed
}

// Unreproduced is a text, or a breaker, of which the policy does not explain what happened.
type Unreproduced struct {
	ID       string `json:"id"`
	Position int64  `json:"position"` // of the first event that is not explained
	Type     string `json:"type"`
	Why      string `json:"why"`
}

// facts returns what happened to t in the window: commands which the policy answers
// with exactly the events that were recorded. Otherwise it says where that fails.
func (t text) facts(p Policy) ([]fact, *Unreproduced) {
	for _, e := range slices.Concat(t.before, t.window) {
		if e.Detached() {
			return nil, &Unreproduced{ID: t.id, Position: e.Position, Type: e.Type, Why: WhyDetached}
		}
	}
	m, since := t.start()
	var facts []fact
	for rest := t.window; len(rest) > 0; {
		f, ok := explain(p, t.id, m, since, rest)
		if !ok {
			return nil, &Unreproduced{ID: t.id, Position: rest[0].Position, Type: rest[0].Type, Why: t.why(p, m, rest)}
		}
		for _, e := range f.recorded {
			m, since = m.Evolve(e.Data), doubtSince(since, e)
		}
		facts, rest = append(facts, f), rest[len(f.recorded):]
	}
	return facts, nil
}

// start is where t stood before the window.
func (t text) start() (m domain.Message, since time.Time) {
	for _, e := range t.before {
		m, since = m.Evolve(e.Data), doubtSince(since, e)
	}
	return m, since
}

func doubtSince(before time.Time, e events.Recorded) time.Time {
	if _, ok := e.Data.(events.MessageInDoubt); ok {
		return e.RecordedAt
	}
	return before
}

// explain finds the first guess at what happened that gives the events recorded.
func explain(p Policy, id string, m domain.Message, since time.Time, rest []events.Recorded) (fact, bool) {
	for _, f := range guesses(p, id, m, since, rest) {
		decided, err := m.Decide(f.command(p, m, f.at, since))
		if err == nil && len(decided) > 0 && len(decided) <= len(rest) && slices.EqualFunc(decided, rest[:len(decided)], same) {
			f.recorded = rest[:len(decided)]
			return f, true
		}
	}
	return fact{}, false
}

// same reports whether e is what was recorded. A delay that was varied by chance
// comes out of the arithmetic again to a few nanoseconds.
func same(e events.Event, r events.Recorded) bool {
	retried, ok := e.(events.MessageRetried)
	was, both := r.Data.(events.MessageRetried)
	if ok && both {
		return retried.Attempt == was.Attempt && retried.DueAt.Sub(was.DueAt).Abs() < time.Microsecond &&
			time.Duration(retried.Delay-was.Delay).Abs() < time.Microsecond
	}
	if e.EventType() != r.Type {
		return false
	}
	a, errA := json.Marshal(e)
	b, errB := json.Marshal(r.Data)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Why a text cannot be reproduced.
const (
	WhyErased   = "its number or body can no longer be read"
	WhyDetached = "it was detached to an archive"
	WhyProvider = "no route of the policy leads to the provider that was asked"
	WhyRetry    = "the retry schedule of the policy gives another delay, or another end"
	WhyHours    = "the quiet hours of the policy say otherwise"
	WhyDoubt    = "the policy treats doubts otherwise"
	WhyUnknown  = "an event of a newer build"
	WhyOther    = "nothing that is known explains it"
)

// why says in which part of the policy to look for what differs.
func (t text) why(p Policy, m domain.Message, rest []events.Recorded) string {
	if slices.ContainsFunc(append(slices.Clip(t.before), t.window...), func(e events.Recorded) bool { return e.Erased }) {
		return WhyErased
	}
	switch e := rest[0].Data.(type) {
	case events.MessageAttempted:
		if m.Waiting() && !slices.Contains(p.order(t.id, m), e.Provider) {
			return WhyProvider
		}
		return WhyHours
	case events.MessageDeferred:
		return WhyHours
	case events.MessageFailed:
		return WhyRetry
	case events.MessageReconciled:
		if len(rest) > 1 && rest[1].Type == (events.MessageRetried{}).EventType() {
			return WhyRetry
		}
		return WhyDoubt
	case events.Unknown:
		return WhyUnknown
	}
	return WhyOther
}
