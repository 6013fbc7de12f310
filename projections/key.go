package projections

import (
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Key is a row of the keys view and the key that the API shows.
type Key struct {
	ID        string     `json:"id"`
	Tenant    string     `json:"tenant"`
	Scopes    []string   `json:"scopes"`
	Test      bool       `json:"test"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`

	AllowedIPs []string `json:"allowed_ips,omitempty"`
	Rate       int      `json:"rate,omitempty"`
	Successor  string   `json:"successor,omitempty"` // the key that takes its place
}

var keysView = ports.View{Name: "keys", Columns: []string{"tenant", "created_at"}}

// Keys is the projection of API keys.
func Keys() Projection {
	return project("keys", keysView,
		func(e events.Recorded) string {
			if strings.HasPrefix(e.Type, "key.") {
				return e.StreamID
			}
			return ""
		},
		func(k Key) []any { return []any{k.Tenant, k.CreatedAt} })
}

// Apply returns the key after e.
func (k Key) Apply(e events.Recorded) Key {
	switch d := e.Data.(type) {
	case events.KeyIssued:
		k = Key{
			ID: strings.TrimPrefix(e.StreamID, "key_"), Tenant: d.Tenant, Scopes: d.Scopes, Test: d.Test,
			CreatedAt: e.RecordedAt, ExpiresAt: d.ExpiresAt,
			AllowedIPs: d.AllowedIPs, Rate: d.Rate,
		}
	case events.KeyRotated:
		k.Successor, k.ExpiresAt = d.Successor, &d.ExpiresAt
	case events.KeyRevoked:
		at := e.RecordedAt
		k.RevokedAt = &at
	}
	return k
}
