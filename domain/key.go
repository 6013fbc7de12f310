package domain

import (
	"errors"
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
	Rotated bool // another key takes its place; Issued.ExpiresAt is when it ends
}

// ErrKeyEnded says that a key is revoked, expired, or rotated already.
var ErrKeyEnded = errors.New("key has ended")

// IssueKey makes a key.
type IssueKey struct{ Key events.KeyIssued }

// RevokeKey ends a key.
type RevokeKey struct{ By string }

// RotateKey ends a key in favour of another, after a while in which both are good.
type RotateKey struct {
	By        string
	Successor string
	At        time.Time // now
	Overlap   time.Duration
}

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
	case RotateKey:
		return k.rotate(c)
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

func (k Key) rotate(c RotateKey) ([]events.Event, error) {
	switch {
	case k.Issued.Tenant == "":
		return nil, ErrNotFound
	case k.Rotated || !k.Valid(c.At):
		return nil, ErrKeyEnded
	}
	end := c.At.Add(c.Overlap)
	if expires := k.Issued.ExpiresAt; expires != nil && expires.Before(end) {
		end = *expires // it never lasts longer than it was to
	}
	return []events.Event{events.KeyRotated{By: c.By, Successor: c.Successor, ExpiresAt: end}}, nil
}

// Evolve returns k after e.
func (k Key) Evolve(e events.Event) Key {
	switch e := e.(type) {
	case events.KeyIssued:
		k.Issued = e
	case events.KeyRevoked:
		k.Revoked = true
	case events.KeyRotated:
		k.Rotated, k.Issued.ExpiresAt = true, &e.ExpiresAt
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
