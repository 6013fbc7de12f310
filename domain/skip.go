package domain

import (
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// ErrSkipped refuses to decide again what is decided already.
var ErrSkipped = errors.New("already skipped")

// Skips are the events that operators have decided a projection passes over. The
// zero value is a projection that passes over none.
type Skips struct {
	skipped map[skip]bool
}

type skip struct {
	revision int
	position int64
}

// SkipEvent lets a projection pass over an event that it cannot apply.
type SkipEvent struct{ Skipped events.ProjectionSkipped }

// Decide answers c with events.
func (s Skips) Decide(c Command) ([]events.Event, error) {
	e, ok := c.(SkipEvent)
	switch {
	case !ok:
		return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
	case s.skipped[skip{e.Skipped.Revision, e.Skipped.Position}]:
		return nil, ErrSkipped
	}
	return []events.Event{e.Skipped}, nil
}

// Evolve returns s after e.
func (s Skips) Evolve(e events.Event) Skips {
	if e, ok := e.(events.ProjectionSkipped); ok {
		skipped := map[skip]bool{{e.Revision, e.Position}: true}
		for known := range s.skipped {
			skipped[known] = true
		}
		return Skips{skipped}
	}
	return s
}
