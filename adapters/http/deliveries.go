package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// delivery is an event on its way to an endpoint, as clients see it.
type delivery struct {
	ID          string       `json:"id"`
	Endpoint    string       `json:"endpoint"`
	MessageID   string       `json:"message_id"`
	Version     int          `json:"version"`
	Position    int64        `json:"position"`
	Type        string       `json:"type"`
	Status      string       `json:"status"`
	Reason      *string      `json:"reason"`
	Attempts    int          `json:"attempts"`
	Replays     int          `json:"replays"`
	DueAt       *time.Time   `json:"due_at"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
	LastAttempt *lastAttempt `json:"last_attempt"`
}

// lastAttempt is what came of the latest attempt at a delivery.
type lastAttempt struct {
	At         time.Time `json:"at"`
	HTTPStatus *int      `json:"http_status"`
	Fault      *string   `json:"fault"`
	DurationMS int64     `json:"duration_ms"`
}

func deliveryOf(d commands.Delivery) delivery {
	shown := delivery{
		ID: d.ID, Endpoint: d.Endpoint, MessageID: d.Message, Version: d.Version, Position: d.Position, Type: d.Type,
		Status: string(d.Status), Reason: orNull(d.Reason), Attempts: d.Attempts, Replays: d.Replays,
		DueAt: d.DueAt, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
	if last := d.Last; last != nil {
		shown.LastAttempt = &lastAttempt{At: last.At, Fault: orNull(last.Fault), DurationMS: last.Took.Milliseconds()}
		if last.HTTPStatus != 0 {
			shown.LastAttempt.HTTPStatus = &last.HTTPStatus
		}
	}
	return shown
}

// listDeliveries answers with a tenant's deliveries, newest first.
func (a *api) listDeliveries(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "endpoint", "message_id", "status", "limit", "cursor")
	filter := commands.DeliveryFilter{
		Tenant: caller.Tenant, Endpoint: q.printable("endpoint"), Message: q.printable("message_id"),
		Status: commands.DeliveryStatus(oneOf(q, "status", commands.DeliveryStatuses)), Limit: q.limit(), After: q.cursor(deliveryList),
	}
	if q.err != nil {
		return q.err
	}
	found, next, err := a.Webhooks.Deliveries(r.Context(), filter)
	if err != nil {
		return err
	}
	shown := page[delivery]{Data: make([]delivery, len(found)), NextCursor: encodeCursor(deliveryList, next)}
	for i, d := range found {
		shown.Data[i] = deliveryOf(d)
	}
	return writeJSON(w, http.StatusOK, shown)
}

func (a *api) getDelivery(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	found, err := a.Webhooks.Delivery(r.Context(), caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, deliveryOf(found))
}

// replayDelivery posts a delivery once more.
func (a *api) replayDelivery(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readReason(d, &caller.Reason) }); err != nil {
		return err
	}
	queued, err := a.Webhooks.Replay(r.Context(), caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusAccepted, deliveryOf(queued))
}
