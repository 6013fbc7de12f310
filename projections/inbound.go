package projections

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Inbound is a row of the inbound view: a text to us, as one of its tenants has it.
type Inbound struct {
	ID                string    `json:"id"`
	From              string    `json:"from"`
	To                string    `json:"to"`
	Body              string    `json:"body"`
	ProviderMessageID string    `json:"provider_message_id"`
	ReceivedAt        time.Time `json:"received_at"`

	Tenant string `json:"tenant"` // empty: nobody's
}

var inboundView = ports.View{Name: "inbound", Columns: []string{"tenant", "created_at"}}

// InboundTexts is the projection of texts to us.
func InboundTexts() Projection {
	return project("inbound", inboundView,
		func(e events.Recorded) string {
			if e.Type == "inbound.received" {
				return e.StreamID
			}
			return ""
		},
		func(i Inbound) []any { return []any{i.Tenant, i.ReceivedAt} })
}

// Apply returns the text after e.
func (i Inbound) Apply(e events.Recorded) Inbound {
	if d, ok := e.Data.(events.InboundReceived); ok {
		return Inbound{
			ID: e.StreamID, From: string(d.From), To: string(d.To), Body: string(d.Body),
			ProviderMessageID: d.ProviderMessageID, ReceivedAt: e.RecordedAt, Tenant: e.Meta.Tenant,
		}
	}
	return i
}

// Inbound returns a page of a tenant's received texts, newest first, and the cursor
// of the next one, nil after the last.
func (q Queries) Inbound(ctx context.Context, tenant string, limit int, after *ports.Cursor) ([]Inbound, *ports.Cursor, error) {
	found, err := find[Inbound](ctx, q.Views, inboundView, ports.Query{
		Where:   []ports.Condition{{Column: "tenant", Op: ports.Equal, Value: tenant}},
		OrderBy: "created_at", Desc: true, After: after, Limit: limit + 1,
	})
	if err == nil {
		err = unseal(ctx, q, found)
	}
	if err != nil || len(found) <= limit {
		return found, nil, err
	}
	last := found[limit-1]
	return found[:limit], &ports.Cursor{Key: last.ReceivedAt, ID: last.ID}, nil
}
