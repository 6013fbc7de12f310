package commands

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// IssueKey is a request for an API key.
type IssueKey struct {
	Tenant    string // 1 to 64 letters, digits, "-", "_" and "."
	Scopes    []string
	Test      bool
	ExpiresAt string // RFC 3339; empty: never

	AllowedIPs []string // addresses or networks it may be used from, at most 20; none: any
	Rate       int      // requests a second, up to that of the installation; 0: that
}

// IssuedKey is a new key. Secret is the whole key as its holder presents it; it
// is nowhere stored and cannot be shown again.
type IssuedKey struct {
	ID        string
	Secret    string
	Key       events.KeyIssued
	CreatedAt time.Time
}

// IssueKey makes a key.
func (h *Handler) IssueKey(ctx context.Context, caller Caller, request IssueKey) (IssuedKey, error) {
	key, err := h.validateKey(request)
	if err != nil {
		return IssuedKey{}, err
	}
	issued := h.cut(key)
	decided, err := domain.Key{}.Decide(domain.IssueKey{Key: issued.Key})
	if err != nil {
		return IssuedKey{}, err
	}
	meta := caller.meta()
	meta.Tenant = key.Tenant
	results, err := h.Store.Append(ctx, ports.Write{StreamID: keyPrefix + issued.ID, Events: decided, Meta: meta})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return IssuedKey{}, fmt.Errorf("issuing key: %w", err)
	}
	issued.CreatedAt = results[0].RecordedAt
	return issued, nil
}

// cut makes a secret for a key, and an id.
func (h *Handler) cut(key events.KeyIssued) IssuedKey {
	id, secret := strings.ToLower(rand.Text()[:12]), rand.Text()+rand.Text() // twice 130 random bits
	key.Hash = sha256.Sum256([]byte(secret))
	realm := "live"
	if key.Test {
		realm = "test"
	}
	return IssuedKey{ID: id, Secret: "psk_" + realm + "_" + id + "_" + secret, Key: key}
}

// RevokeKey ends a key of the caller's tenant, of any tenant where the caller has
// none. A test key revokes test keys only. Revoking a revoked key does nothing.
func (h *Handler) RevokeKey(ctx context.Context, caller Caller, id string) error {
	key, err := loadOwn(ctx, h.Store, keyPrefix+id, caller.mayEnd)
	if err != nil {
		return err
	}
	_, _, err = executeOn(ctx, h.Store, key, func(s stream[domain.Key]) (domain.Command, events.Meta, error) {
		meta := s.consequence(caller.Actor)
		meta.Reason = caller.Reason
		return domain.RevokeKey{By: caller.Actor}, meta, nil
	})
	return err
}

// Credential is a presented API key, taken apart.
type Credential struct {
	ID   string
	Test bool
	hash events.Hash
}

// ParseCredential takes "psk_live_<id>_<secret>" apart, without asking whether it
// is good. It is false for anything else.
func ParseCredential(presented string) (Credential, bool) {
	parts := strings.Split(presented, "_")
	if len(presented) > 128 || len(parts) != 4 || parts[0] != "psk" || parts[2] == "" || parts[3] == "" {
		return Credential{}, false
	}
	if parts[1] != "live" && parts[1] != "test" {
		return Credential{}, false
	}
	return Credential{ID: parts[2], Test: parts[1] == "test", hash: sha256.Sum256([]byte(parts[3]))}, true
}

// Key loads the key that c names; the zero Key when there is none.
func (h *Handler) Key(ctx context.Context, c Credential) (domain.Key, error) {
	s, err := load[domain.Key](ctx, h.Store, keyPrefix+c.ID)
	if err != nil {
		return domain.Key{}, err
	}
	return s.State, nil
}

// Opens reports whether c is the credential of key, in constant time, and key is
// good at now.
func (c Credential) Opens(key domain.Key, now time.Time) bool {
	match := subtle.ConstantTimeCompare(c.hash[:], key.Issued.Hash[:]) == 1
	return match && c.Test == key.Issued.Test && key.Valid(now)
}

func (h *Handler) validateKey(request IssueKey) (events.KeyIssued, error) {
	var invalid Invalid
	key := events.KeyIssued{Tenant: request.Tenant, Scopes: request.Scopes, Test: request.Test}
	if !ValidTenant(request.Tenant) {
		invalid.add("/tenant", CodeInvalidValue, "1 to 64 letters, digits, '-', '_' or '.'")
	}
	if len(request.Scopes) == 0 {
		invalid.add("/scopes", CodeRequired, "name at least one scope")
	}
	for i, scope := range request.Scopes {
		if !slices.Contains(domain.Scopes, domain.Scope(scope)) {
			invalid.add(fmt.Sprintf("/scopes/%d", i), CodeInvalidValue, "one of messages:write, messages:read, admin")
		}
	}
	if at, ok := parseTime(&invalid, "/expires_at", request.ExpiresAt); ok {
		if key.ExpiresAt = &at; !at.After(h.now()) {
			invalid.add("/expires_at", CodeDatePassed, "must be in the future")
		}
	}
	key.AllowedIPs, key.Rate = validateNetworks(&invalid, request.AllowedIPs), request.Rate
	if request.Rate < 0 || request.Rate > 1_000_000 {
		invalid.add("/rate", CodeInvalidValue, "1 to 1,000,000 requests a second")
	}
	if len(invalid) > 0 {
		return events.KeyIssued{}, invalid
	}
	return key, nil
}

// ValidTenant reports whether name can be a tenant's.
func ValidTenant(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}
