package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// inboundText is a text to us as clients see it.
type inboundText struct {
	ID                string    `json:"id"`
	From              string    `json:"from"`
	To                string    `json:"to"`
	Body              string    `json:"body"`
	ProviderMessageID string    `json:"provider_message_id"`
	ReceivedAt        time.Time `json:"received_at"`
}

// listInbound answers with the texts to a tenant, newest first.
func (a *api) listInbound(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "limit", "cursor")
	limit, after := q.limit(), q.cursor(inboundList)
	if q.err != nil {
		return q.err
	}
	found, next, err := a.Queries.Inbound(r.Context(), caller.Tenant, limit, after)
	if err != nil {
		return err
	}
	shown := page[inboundText]{Data: make([]inboundText, len(found)), NextCursor: encodeCursor(inboundList, next)}
	for i, t := range found {
		shown.Data[i] = inboundText{
			ID: t.ID, From: t.From, To: t.To, Body: t.Body, ProviderMessageID: t.ProviderMessageID, ReceivedAt: t.ReceivedAt,
		}
	}
	return writeJSON(w, http.StatusOK, shown)
}
