package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// DeliveryFilter selects deliveries of one tenant, newest first. Zero fields select all.
type DeliveryFilter struct {
	Tenant   string
	Endpoint string
	Message  string
	Status   DeliveryStatus
	Limit    int
	After    *ports.Cursor
}

// Deliveries returns a page and the cursor of the next one, nil after the last.
func (w *Webhooks) Deliveries(ctx context.Context, f DeliveryFilter) (found []Delivery, next *ports.Cursor, err error) {
	if f.Message != "" {
		found, err = w.deliveriesOf(ctx, f)
	} else {
		found, err = findDeliveries(ctx, w.Views, ports.Query{
			Where: f.where(), OrderBy: "created_at", Desc: true, After: f.After, Limit: f.Limit + 1,
		})
	}
	if err != nil || len(found) <= f.Limit {
		return found, nil, err
	}
	last := found[f.Limit-1]
	return found[:f.Limit], &ports.Cursor{Key: last.CreatedAt, ID: last.ID}, nil
}

func (f DeliveryFilter) where() []ports.Condition {
	where := []ports.Condition{{Column: "tenant", Op: ports.Equal, Value: f.Tenant}}
	if f.Endpoint != "" {
		where = append(where, ports.Condition{Column: "endpoint", Op: ports.Equal, Value: f.Endpoint})
	}
	if f.Status != "" {
		where = append(where, ports.Condition{Column: "status", Op: ports.Equal, Value: string(f.Status)})
	}
	return where
}

// deliveriesOf returns those about one message, which are few, from f.After on. Views
// find them by endpoint and message alone, so each endpoint that there ever was is
// asked about.
func (w *Webhooks) deliveriesOf(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	recorded, err := w.Store.Load(ctx, w.Lookup.webhooksStream(f.Tenant))
	if err != nil {
		return nil, fmt.Errorf("loading endpoints: %w", err)
	}
	endpoints := []string{domain.CallbacksEndpoint}
	for _, e := range recorded {
		if made, ok := e.Data.(events.WebhookCreated); ok {
			endpoints = append(endpoints, made.ID)
		}
	}
	var found []Delivery
	for _, endpoint := range endpoints {
		about := Delivery{Endpoint: endpoint, Message: f.Message}
		some, err := findDeliveries(ctx, w.Views, ports.Query{
			Where:   append(f.where(), ports.Condition{Column: "sequence", Op: ports.Equal, Value: about.sequence()}),
			OrderBy: "created_at", Desc: true, After: f.After, Limit: f.Limit + 1,
		})
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b Delivery) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	return found, nil
}

// Delivery returns a tenant's delivery; an empty tenant means any.
func (w *Webhooks) Delivery(ctx context.Context, tenant, id string) (Delivery, error) {
	where := []ports.Condition{{Column: "id", Op: ports.Equal, Value: id}}
	if tenant != "" {
		where = append(where, ports.Condition{Column: "tenant", Op: ports.Equal, Value: tenant})
	}
	found, err := findDeliveries(ctx, w.Views, ports.Query{Where: where, OrderBy: "created_at", Limit: 1})
	if err != nil {
		return Delivery{}, err
	}
	if len(found) == 0 {
		return Delivery{}, domain.ErrNotFound
	}
	return found[0], nil
}
