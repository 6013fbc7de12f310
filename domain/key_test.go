package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

var issued = events.KeyIssued{Tenant: "acme", Scopes: []string{"messages:read"}, ExpiresAt: at(1)}

func key(given ...events.Event) domain.Key {
	var k domain.Key
	for _, e := range given {
		k = k.Evolve(e)
	}
	return k
}

func TestKeysAreIssuedOnceAndRevokedForGood(t *testing.T) {
	revoked := events.KeyRevoked{By: "ada"}
	for _, tt := range []struct {
		name  string
		given []events.Event
		when  domain.Command
		then  []events.Event
		err   error
	}{
		{"issued", nil, domain.IssueKey{Key: issued}, history(issued), nil},
		{"issued again", history(issued), domain.IssueKey{Key: issued}, nil, domain.ErrExists},
		{"issued again after its end", history(issued, revoked), domain.IssueKey{Key: issued}, nil, domain.ErrExists},
		{"revoked", history(issued), domain.RevokeKey{By: "ada"}, history(revoked), nil},
		{"revoked already", history(issued, revoked), domain.RevokeKey{By: "eve"}, nil, nil},
		{"revoked, though there is none", nil, domain.RevokeKey{By: "ada"}, nil, domain.ErrNotFound},
		{"rotated", history(issued), rotate(time.Minute), history(events.KeyRotated{By: "ada", Successor: "k2", ExpiresAt: noon.Add(time.Minute)}), nil},
		{"rotated, to end before the overlap does", history(issued), rotate(48 * time.Hour), history(events.KeyRotated{By: "ada", Successor: "k2", ExpiresAt: *at(1)}), nil},
		{"rotated already", history(issued, events.KeyRotated{ExpiresAt: *at(1)}), rotate(0), nil, domain.ErrKeyEnded},
		{"rotated after its end", history(issued, revoked), rotate(0), nil, domain.ErrKeyEnded},
		{"rotated, though there is none", nil, rotate(0), nil, domain.ErrNotFound},
		{"revoked while it is rotated", history(issued, events.KeyRotated{ExpiresAt: *at(1)}), domain.RevokeKey{By: "ada"}, history(revoked), nil},
		{"a command of something else", history(issued), domain.Cancel{}, nil, domain.ErrUnknownCommand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := key(tt.given...).Decide(tt.when)
			if diff := cmp.Diff(tt.then, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("Decide: %v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}

func TestKeysOpenWhileTheyLast(t *testing.T) {
	forever := issued
	forever.ExpiresAt = nil
	for _, tt := range []struct {
		name string
		key  domain.Key
		now  time.Time
		want bool
	}{
		{"none", domain.Key{}, noon, false},
		{"issued", key(issued), noon, true},
		{"the moment before its end", key(issued), at(1).Add(-1), true},
		{"at its end", key(issued), *at(1), false},
		{"without an end", key(forever), *at(1000), true},
		{"revoked", key(issued, events.KeyRevoked{}), noon, false},
		{"rotated, in the overlap", key(forever, events.KeyRotated{ExpiresAt: *at(2)}), at(2).Add(-1), true},
		{"rotated, after the overlap", key(forever, events.KeyRotated{ExpiresAt: *at(2)}), *at(2), false},
	} {
		if got := tt.key.Valid(tt.now); got != tt.want {
			t.Errorf("%s: valid %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAdminIsAllowedEverything(t *testing.T) {
	for _, tt := range []struct {
		has  domain.Scope
		want map[domain.Scope]bool
	}{
		{domain.ScopeRead, map[domain.Scope]bool{domain.ScopeRead: true}},
		{domain.ScopeWrite, map[domain.Scope]bool{domain.ScopeWrite: true}},
		{domain.ScopeAdmin, map[domain.Scope]bool{domain.ScopeRead: true, domain.ScopeWrite: true, domain.ScopeAdmin: true}},
	} {
		k := domain.Key{Issued: events.KeyIssued{Tenant: "acme", Scopes: []string{string(tt.has)}}}
		for _, scope := range domain.Scopes {
			if got := k.Allows(scope); got != tt.want[scope] {
				t.Errorf("%s allows %s: %v", tt.has, scope, got)
			}
		}
	}
}

func rotate(overlap time.Duration) domain.RotateKey {
	return domain.RotateKey{By: "ada", Successor: "k2", At: noon, Overlap: overlap}
}
