package whatif

import (
	"time"

	"github.com/pro-sms/prosms/domain"
)

// Report is what would differ. It holds ids, and nothing personal.
type Report struct {
	From      int64 `json:"from"` // after this position
	To        int64 `json:"to"`
	Texts     int   `json:"texts"`     // with an event in the window
	Decisions int   `json:"decisions"` // reproduced exactly

	// The gate: texts, and transitions of breakers, that the policy of their time does
	// not explain. Such texts are compared with nothing.
	Unreproduced         int            `json:"unreproduced"`
	UnreproducedWhy      map[string]int `json:"unreproduced_why"`
	UnreproducedExamples []Unreproduced `json:"unreproduced_examples"`

	Changed  int               `json:"changed"` // texts of which a decision differs
	Causes   map[string]*Cause `json:"causes"`  // of the first one
	Unknown  map[string]int    `json:"unknown"` // texts of which the end is unknown, by why
	Statuses Pair[Counts]      `json:"statuses"`
	Attempts Pair[int]         `json:"attempts"`

	DeadLettersGained int           `json:"dead_letters_gained"`
	DeadLettersLost   int           `json:"dead_letters_lost"` // that end otherwise; where it is unknown they are not counted
	OtherProvider     int           `json:"other_provider"`    // texts with an attempt by another
	Earlier           int           `json:"earlier"`           // texts with an attempt a second or more earlier, none later
	Later             int           `json:"later"`
	Farthest          time.Duration `json:"farthest_ns"` // by which an attempt is moved

	Breakers []Breaker `json:"breakers"`

	examples int
}

// Pair is a figure as it was and as it would be.
type Pair[T any] struct {
	Was   T `json:"was"`
	Would T `json:"would"`
}

// Counts are texts by status at the end of the window. StatusUnknown is one.
type Counts map[string]int

// StatusUnknown is that of a text whose end nobody can know.
const StatusUnknown = "unknown"

// Cause is what about the policy changes texts.
type Cause struct {
	Texts    int       `json:"texts"`
	Examples []Example `json:"examples"` // the first ones
}

// Example is one text that would go otherwise.
type Example struct {
	ID      string       `json:"id"`
	Change  change       `json:"change"`
	Ends    Pair[string] `json:"ends"`
	Unknown string       `json:"unknown,omitempty"`
}

func newReport(from, to int64, examples int) *Report {
	return &Report{
		From: from, To: to, UnreproducedWhy: map[string]int{}, UnreproducedExamples: []Unreproduced{},
		Causes: map[string]*Cause{}, Unknown: map[string]int{}, Statuses: Pair[Counts]{Counts{}, Counts{}}, examples: examples,
	}
}

func (r *Report) unreproduced(u Unreproduced) {
	r.Unreproduced++
	r.UnreproducedWhy[u.Why]++
	if len(r.UnreproducedExamples) < r.examples {
		r.UnreproducedExamples = append(r.UnreproducedExamples, u)
	}
}

// compare counts a text that took one course, and would take another.
func (r *Report) compare(id string, was, would course) {
	r.Statuses.Was[was.end()]++
	r.Statuses.Would[would.end()]++
	r.Attempts.Was += len(was.attempts)
	r.Attempts.Would += len(would.attempts)
	if would.change == nil {
		return
	}
	r.Changed++
	cause := r.Causes[would.change.Cause]
	if cause == nil {
		cause = &Cause{}
		r.Causes[would.change.Cause] = cause
	}
	if cause.Texts++; len(cause.Examples) < r.examples {
		cause.Examples = append(cause.Examples, Example{
			ID: id, Change: *would.change, Ends: Pair[string]{was.end(), would.end()}, Unknown: would.unknown,
		})
	}
	if would.unknown != "" {
		r.Unknown[would.unknown]++
	}
	dead := string(domain.DeadLettered)
	switch {
	case was.end() != dead && would.end() == dead:
		r.DeadLettersGained++
	case was.end() == dead && would.ended() && would.end() != dead:
		r.DeadLettersLost++
	}
	r.moved(was, would)
}

// moved counts a text of which an attempt would be made by another provider, or at
// another time. An attempt that was made in one course only counts as neither.
func (r *Report) moved(was, would course) {
	other, earlier, later := false, false, false
	for n, a := range was.attempts {
		b, ok := would.attempts[n]
		if !ok {
			continue
		}
		shift := b.at.Sub(a.at)
		other = other || a.provider != b.provider
		earlier = earlier || shift <= -time.Second
		later = later || shift >= time.Second
		r.Farthest = max(r.Farthest, shift.Abs())
	}
	if other {
		r.OtherProvider++
	}
	switch {
	case later:
		r.Later++
	case earlier:
		r.Earlier++
	}
}

// end is the status with which a course ends.
func (c course) end() string {
	if c.unknown != "" {
		return StatusUnknown
	}
	return string(c.status)
}

// ended reports whether a course ends, as far as is known, and for good.
func (c course) ended() bool {
	return c.unknown == "" && (c.status == domain.Dispatched || domain.Message{Status: c.status}.Final())
}
