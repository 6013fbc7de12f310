package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// DeliveryStatus says how far a delivery is.
type DeliveryStatus string

// The statuses of a delivery. A dead one is given up until somebody replays it.
const (
	DeliveryPending   DeliveryStatus = "pending"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryDead      DeliveryStatus = "dead"
)

// DeliveryStatuses lists all of them.
var DeliveryStatuses = []DeliveryStatus{DeliveryPending, DeliveryDelivered, DeliveryDead}

// ErrDeliveryPending says that a delivery waits already.
var ErrDeliveryPending = errors.New("delivery is pending")

// Delivery is one event on its way to one endpoint. Its row holds no number and no
// body: what is posted is made of the log anew each time.
type Delivery struct {
	ID        string         `json:"id"` // the webhook-id: the same however often it is posted
	Tenant    string         `json:"tenant"`
	Endpoint  string         `json:"endpoint"`      // domain.CallbacksEndpoint: URL is the message's own
	URL       string         `json:"url,omitempty"` // of a callback; an endpoint's is looked up
	Message   string         `json:"message"`
	Version   int            `json:"version"` // of the message, with the event
	Position  int64          `json:"position"`
	Type      string         `json:"type"`
	Status    DeliveryStatus `json:"status"`
	Attempts  int            `json:"attempts"` // since it began, or was replayed
	Replays   int            `json:"replays,omitempty"`
	DueAt     *time.Time     `json:"due_at,omitempty"` // of the next attempt
	CreatedAt time.Time      `json:"created_at"`       // of the event
	UpdatedAt time.Time      `json:"updated_at"`
	Last      *DeliveryTry   `json:"last,omitempty"`
	Reason    string         `json:"reason,omitempty"` // why it is dead: "exhausted", "gone", "late", "disabled", "deleted", "archived"
}

// DeliveryTry is what came of one attempt.
type DeliveryTry struct {
	At         time.Time     `json:"at"`
	HTTPStatus int           `json:"http_status,omitempty"` // 0: no answer
	Fault      string        `json:"fault,omitempty"`       // empty: delivered
	Took       time.Duration `json:"took"`
}

// deliveriesView is the queue of deliveries and their log. It is no view that could
// be thrown away at no cost: made anew from the log, it posts again what happened
// in the last maxLate.
var deliveriesView = ports.View{
	Name:    "webhook_deliveries",
	Columns: []string{"tenant", "endpoint", "status", "sequence", "position", "created_at", "due_at"},
}

// Checkpoints of deliveriesView: how far the log is in it, and a turn for whoever
// changes rows that are there.
const (
	deliveriesFilled  = "webhooks"
	deliveriesChanged = "webhook_deliveries"
)

// deliveryID is derived, so that an event that is queued again is known by receivers.
func deliveryID(endpoint, message string, version int) string {
	sum := sha256.Sum256([]byte(endpoint + " " + message + " " + strconv.Itoa(version)))
	return "whd_" + hex.EncodeToString(sum[:16])
}

// sequence names what has to be delivered in order.
func (d Delivery) sequence() string { return d.Endpoint + " " + d.Message }

func (d Delivery) row() (ports.Row, error) {
	doc, err := json.Marshal(d)
	var due any
	if d.DueAt != nil {
		due = *d.DueAt
	}
	return ports.Row{ID: d.ID, Doc: doc, Keys: []any{d.Tenant, d.Endpoint, string(d.Status), d.sequence(), d.Position, d.CreatedAt, due}}, err
}

// put writes deliveries.
func putDeliveries(ctx context.Context, tx ports.ViewTx, deliveries []Delivery) error {
	rows := make([]ports.Row, len(deliveries))
	for i, d := range deliveries {
		var err error
		if rows[i], err = d.row(); err != nil {
			return fmt.Errorf("writing delivery %s: %w", d.ID, err)
		}
	}
	return tx.Put(ctx, deliveriesView, rows)
}

// getDeliveries returns those that exist among ids, by id.
func getDeliveries(ctx context.Context, tx ports.ViewTx, ids []string) (map[string]Delivery, error) {
	rows, err := tx.Get(ctx, deliveriesView, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Delivery, len(rows))
	for id, row := range rows {
		if found[id], err = readDelivery(row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func readDelivery(row ports.Row) (d Delivery, err error) {
	if json.Unmarshal(row.Doc, &d) != nil {
		return d, fmt.Errorf("reading delivery %s: malformed", row.ID)
	}
	return d, nil
}

func findDeliveries(ctx context.Context, views ports.Views, q ports.Query) ([]Delivery, error) {
	rows, err := views.Find(ctx, deliveriesView, q)
	if err != nil {
		return nil, fmt.Errorf("searching deliveries: %w", err)
	}
	found := make([]Delivery, len(rows))
	for i, row := range rows {
		if found[i], err = readDelivery(row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// changeDelivery lets change alter a delivery as it is now, in its turn.
func changeDelivery(ctx context.Context, views ports.Views, id string, change func(*Delivery) error) (d Delivery, err error) {
	err = views.Advance(ctx, deliveriesChanged, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		found, err := getDeliveries(ctx, tx, []string{id})
		if err != nil {
			return checkpoint, err
		}
		var ok bool
		if d, ok = found[id]; !ok {
			return checkpoint, domain.ErrNotFound
		}
		if err := change(&d); err != nil {
			return checkpoint, err
		}
		return checkpoint, putDeliveries(ctx, tx, []Delivery{d})
	})
	return d, err
}

// due makes d wait for its attempt at a time.
func (d *Delivery) due(at, now time.Time) {
	at = at.UTC().Truncate(time.Microsecond)
	d.Status, d.DueAt, d.UpdatedAt = DeliveryPending, &at, now
}

// end makes d final.
func (d *Delivery) end(status DeliveryStatus, reason string, now time.Time) {
	d.Status, d.Reason, d.DueAt, d.UpdatedAt = status, reason, nil, now
}

func newDelivery(e events.Recorded, endpoint, url string) Delivery {
	d := Delivery{
		ID: deliveryID(endpoint, e.StreamID, e.Version), Tenant: e.Meta.Tenant, Endpoint: endpoint, URL: url,
		Message: e.StreamID, Version: e.Version, Position: e.Position, Type: e.Type, CreatedAt: e.RecordedAt,
	}
	d.due(e.RecordedAt, e.RecordedAt)
	return d
}

// Replay posts what was delivered or given up once more, from the first attempt on.
// Later events of its message may have been delivered before. That it was asked for
// is in the log first, with the caller's reason, which there has to be: killed in
// between, it has to be asked for again.
func (w *Webhooks) Replay(ctx context.Context, caller Caller, id string) (Delivery, error) {
	var invalid Invalid
	if checkReason(&invalid, caller.Reason); len(invalid) > 0 {
		return Delivery{}, invalid
	}
	d, err := w.Delivery(ctx, caller.Tenant, id)
	if err != nil {
		return Delivery{}, err
	}
	switch {
	case d.Tenant != caller.Tenant: // as where it is empty
		return Delivery{}, domain.ErrNotFound
	case d.Status == DeliveryPending:
		return Delivery{}, ErrDeliveryPending
	}
	replay := domain.ReplayDelivery{Replayed: events.WebhookReplayed{
		Delivery: d.ID, ID: d.Endpoint, Message: d.Message, Version: d.Version, By: caller.Actor,
	}}
	_, _, err = execute(ctx, w.Store, d.ID, func(stream[domain.Delivery]) (domain.Command, events.Meta, error) {
		return replay, caller.meta(), nil
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("recording the replay of delivery %s: %w", d.ID, err)
	}
	return changeDelivery(ctx, w.Views, id, func(d *Delivery) error {
		switch {
		case d.Tenant != caller.Tenant:
			return domain.ErrNotFound
		case d.Status == DeliveryPending:
			return ErrDeliveryPending
		}
		d.Attempts, d.Reason = 0, ""
		d.Replays++
		d.due(w.now(), w.now())
		return nil
	})
}
