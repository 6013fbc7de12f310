package domain

import (
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Scope is what an API key may do.
type Scope string

// The scopes. Admin includes the other two.
const (
	ScopeWrite Scope = "messages:write"
	ScopeRead  Scope = "messages:read"
	ScopeAdmin Scope = "admin"
)

// Scopes lists all of them.
var Scopes = []Scope{ScopeWrite, ScopeRead, ScopeAdmin}

// Key is the state of an API key. The zero value does not exist.
type Key struct {
	Issued  events.KeyIssued
	Revoked bool
}

// IssueKey makes a key.
type IssueKey struct{ Key events.KeyIssued }

// RevokeKey ends a key.
type RevokeKey struct{ By string }

// Decide answers c with events; a revoked key is revoked without a further one.
func (k Key) Decide(c Command) ([]events.Event, error) {
	switch c := c.(type) {
	case IssueKey:
		if k.Issued.Tenant != "" {
			return nil, ErrExists
		}
		return []events.Event{c.Key}, nil
	case RevokeKey:
		switch {
		case k.Issued.Tenant == "":
			return nil, ErrNotFound
		case k.Revoked:
			return nil, nil
		}
		return []events.Event{events.KeyRevoked{By: c.By}}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// Evolve returns k after e.
func (k Key) Evolve(e events.Event) Key {
	switch e := e.(type) {
	case events.KeyIssued:
		k.Issued = e
	case events.KeyRevoked:
		k.Revoked = true
	}
	return k
}

// Valid reports whether the key opens anything at now.
func (k Key) Valid(now time.Time) bool {
	return k.Issued.Tenant != "" && !k.Revoked && (k.Issued.ExpiresAt == nil || now.Before(*k.Issued.ExpiresAt))
}

// Allows reports whether the key has scope s, or admin.
func (k Key) Allows(s Scope) bool {
	return slices.Contains(k.Issued.Scopes, string(s)) || slices.Contains(k.Issued.Scopes, string(ScopeAdmin))
}
