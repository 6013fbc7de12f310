package domain

import (
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Consent is whether a number may be sent texts by a tenant. The zero value may.
type Consent struct {
	OptedOut bool
}

// OptOut stops all texts to a number.
type OptOut struct{ Event events.ConsentOptedOut }

// OptIn allows them again.
type OptIn struct{ Event events.ConsentOptedIn }

// Decide answers c with events; what is already so has none.
func (c Consent) Decide(command Command) ([]events.Event, error) {
	switch command := command.(type) {
	case OptOut:
		if c.OptedOut {
			return nil, nil
		}
		return []events.Event{command.Event}, nil
	case OptIn:
		if !c.OptedOut {
			return nil, nil
		}
		return []events.Event{command.Event}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", command, ErrUnknownCommand)
}

// Evolve returns c after e.
func (c Consent) Evolve(e events.Event) Consent {
	switch e.(type) {
	case events.ConsentOptedOut:
		c.OptedOut = true
	case events.ConsentOptedIn:
		c.OptedOut = false
	}
	return c
}
