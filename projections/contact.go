package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Contact is a row of the contacts view: that a tenant has texted a number from
// one of ours. It tells whom a text to us is for. Where numbers are sealed it holds
// their names (events.Sealed) instead, and never needs them.
type Contact struct {
	Tenant    string    `json:"tenant"`
	To        string    `json:"to"`
	From      string    `json:"from,omitempty"` // empty: the provider's default sender
	Named     bool      `json:"named,omitempty"`
	CreatedAt time.Time `json:"created_at"` // of the first text
}

var contactsView = ports.View{Name: "contacts", Columns: []string{"recipient", "created_at"}}

// Contacts is the projection of who has texted whom. Numbers are looked up by what
// name makes of them, a keyed hash, as it stands in sealed ones.
func Contacts(name func(number events.Personal) string) Projection {
	return project("contacts", contactsView,
		func(e events.Recorded) string {
			d, ok := e.Data.(events.MessageAccepted)
			switch {
			case !ok && e.Type == d.EventType() && (e.Detached() || e.Unreadable() != nil):
				return e.StreamID // it stands for a row that cannot be named: never a view without it
			case !ok:
				return ""
			}
			// The stream of the consent stands for tenant and number.
			sum := sha256.Sum256([]byte(d.Consent + " " + nameOr(d.From)))
			return "contact_" + hex.EncodeToString(sum[:16])
		},
		func(c Contact) []any {
			recipient := c.To
			if !c.Named {
				recipient = name(events.Personal(c.To))
			}
			return []any{recipient, c.CreatedAt}
		})
}

// nameOr returns the name of a sealed number, and a plain one itself.
func nameOr(number events.Personal) string {
	if parts, sealed := number.Parts(); sealed {
		return parts.Name
	}
	return string(number)
}

// Apply returns the contact after e.
func (c Contact) Apply(e events.Recorded) Contact {
	if d, ok := e.Data.(events.MessageAccepted); ok && c.Tenant == "" {
		return Contact{
			Tenant: e.Meta.Tenant, To: nameOr(d.To), From: nameOr(d.From), Named: d.To.Sealed(), CreatedAt: e.RecordedAt,
		}
	}
	return c
}

// maxContacts bounds how many tenants and senders of one number are looked at.
const maxContacts = 1000

// Texted returns the tenants, in order, that have texted a recipient from a number
// of ours, which goes by a name as well; byDefault says that texts without a sender
// of their own may come from it.
func (q Queries) Texted(ctx context.Context, recipient, number, name string, byDefault bool) ([]string, error) {
	contacts, err := find[Contact](ctx, q.Views, contactsView, ports.Query{
		Where:   []ports.Condition{{Column: "recipient", Op: ports.Equal, Value: recipient}},
		OrderBy: "created_at", Desc: true, Limit: maxContacts,
	})
	var tenants []string
	for _, c := range contacts {
		if c.From == number || c.From == name || c.From == "" && byDefault {
			tenants = append(tenants, c.Tenant)
		}
	}
	slices.Sort(tenants)
	return slices.Compact(tenants), err
}
