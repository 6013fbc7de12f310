package domain

import (
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Sources of an opt-out: who said so, and how.
const (
	SourceKeyword  = "keyword"  // the recipient, by a text that is a keyword
	SourceText     = "text"     // the recipient, in free text: a person should look at it
	SourceProvider = "provider" // the provider refused a text because it knew
	SourceAPI      = "api"      // the tenant
	SourceOperator = "operator" // the command line
)

// ScopeAll is what an opt-out is about: every text.
const ScopeAll = "all"

// Consent is whether a number may be sent texts by a tenant. The zero value may.
type Consent struct {
	OptedOut bool
	Source   string // of the opt-out in force
	Reviewed bool   // somebody has looked at that
}

// OptOut stops all texts to a number.
type OptOut struct{ Event events.ConsentOptedOut }

// OptIn allows them again. By a text it lifts only what the recipient has said in
// a text; a keyword that is also an everyday word lifts only a keyword.
type OptIn struct {
	Event    events.ConsentOptedIn
	Everyday bool // "YES"
}

// Review says that an opt-out in free text was looked at, and stands.
type Review struct{ By string }

// Decide answers c with events; what is already so has none.
func (c Consent) Decide(command Command) ([]events.Event, error) {
	switch command := command.(type) {
	case OptOut:
		if c.OptedOut {
			return nil, nil
		}
		return []events.Event{command.Event}, nil
	case OptIn:
		if !c.OptedOut || !c.liftedBy(command) {
			return nil, nil
		}
		return []events.Event{command.Event}, nil
	case Review:
		if !c.OptedOut || c.Source != SourceText || c.Reviewed {
			return nil, nil
		}
		return []events.Event{events.ConsentReviewed{By: command.By}}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", command, ErrUnknownCommand)
}

func (c Consent) liftedBy(in OptIn) bool {
	if in.Event.Source != SourceKeyword {
		return true
	}
	switch c.Source {
	case SourceKeyword:
		return true
	case SourceText, SourceProvider:
		return !in.Everyday
	}
	return false
}

// Evolve returns c after e.
func (c Consent) Evolve(e events.Event) Consent {
	switch e := e.(type) {
	case events.ConsentOptedOut:
		return Consent{OptedOut: true, Source: e.Source}
	case events.ConsentOptedIn:
		return Consent{}
	case events.ConsentReviewed:
		c.Reviewed = true
	}
	return c
}
