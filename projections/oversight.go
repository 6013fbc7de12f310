package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Oversight answers operators, across tenants. It is a type of its own so that who
// has only Queries, as the API does, cannot leave the tenant out.
type Oversight struct {
	Queries Queries
}

// Tenants returns the tenants that have keys, in order.
func (o Oversight) Tenants(ctx context.Context) ([]string, error) {
	counts, err := o.Queries.Views.Count(ctx, keysView, "tenant")
	if err != nil {
		return nil, fmt.Errorf("counting tenants: %w", err)
	}
	return slices.Sorted(maps.Keys(counts)), nil
}

// Messages is Queries.Messages, of all tenants where f names none, and to the
// recipient that is known to a tenant by the stream that consent returns; nil: to
// anybody.
func (o Oversight) Messages(ctx context.Context, f MessageFilter, consent func(tenant string) string) ([]Message, *ports.Cursor, error) {
	tenants := []string{f.Tenant}
	if f.Tenant == "" {
		var err error
		if tenants, err = o.Tenants(ctx); err != nil {
			return nil, nil, err
		}
	}
	return ofTenants(tenants, f.Limit, func(tenant string) ([]Message, *ports.Cursor, error) {
		if f.Tenant = tenant; consent != nil {
			f.Consent = consent(tenant)
		}
		return o.Queries.Messages(ctx, f)
	}, func(m Message) ports.Cursor { return ports.Cursor{Key: m.CreatedAt, ID: m.ID} })
}

// ofTenants is a page of one tenant, or of all, put together from a page of each:
// the indexes of the views begin with the tenant.
func ofTenants[R any](tenants []string, limit int, page func(tenant string) ([]R, *ports.Cursor, error), place func(R) ports.Cursor) ([]R, *ports.Cursor, error) {
	var all []R
	more := false
	for _, tenant := range tenants {
		found, next, err := page(tenant)
		if err != nil {
			return nil, nil, err
		}
		all, more = append(all, found...), more || next != nil
	}
	slices.SortFunc(all, func(a, b R) int { return newestFirst(place(a), place(b)) })
	if len(all) > limit {
		all, more = all[:limit], true
	}
	if !more || len(all) == 0 {
		return all, nil, nil
	}
	last := place(all[len(all)-1])
	return all, &last, nil
}

// newestFirst orders places in time.
func newestFirst(a, b ports.Cursor) int {
	at, _ := a.Key.(time.Time)
	bt, _ := b.Key.(time.Time)
	if c := bt.Compare(at); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

// Timeline returns the events of any tenant's message, oldest first.
func (o Oversight) Timeline(ctx context.Context, id string) ([]events.Recorded, error) {
	recorded, err := o.Queries.Store.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("loading stream %s: %w", id, err)
	}
	if len(recorded) == 0 || recorded[0].Type != "message.accepted" {
		return nil, ErrNotFound
	}
	return recorded, o.Queries.whole(ctx, recorded)
}

// EventFilter selects events of the whole log. Zero fields select all.
type EventFilter struct {
	After  int64  // position; only what comes after it
	Tenant string //
	Type   string // "message.delivered", or a group of types: "message"
	Stream string
	Actor  string // "dispatcher", or a group of actors: "operator"
	Limit  int
	Sealed bool // what is found stays as it is stored, for who asks for nothing personal
}

// Log is Queries.Log over everybody's events and those that belong to no tenant.
func (o Oversight) Log(ctx context.Context, f EventFilter) (LogPage, error) {
	return o.Queries.log(ctx, f.After, f.Limit, f.selects)
}

// Latest returns the newest events that f selects, newest first, and the position
// before which older ones may stand; 0 when there are none. Before is where to
// begin, exclusive. It looks at 10,000 events at the most.
func (o Oversight) Latest(ctx context.Context, f EventFilter, before int64) (LogPage, error) {
	page := LogPage{Seen: before, More: true}
	for range logFrames {
		after := max(page.Seen-1-logFrame, f.After, 0)
		count := int(page.Seen - 1 - after)
		if count <= 0 {
			page.More = false
			break
		}
		frame, err := o.Queries.read(ctx, after, count)
		if err != nil {
			return LogPage{}, err
		}
		for _, e := range slices.Backward(frame) {
			if page.Seen = e.Position; !f.selects(e) {
				continue
			}
			if page.Events = append(page.Events, e); len(page.Events) == f.Limit {
				page.More = page.Seen > 1
				return page, o.open(ctx, f, page.Events)
			}
		}
		page.Seen = after + 1
	}
	return page, o.open(ctx, f, page.Events)
}

func (o Oversight) open(ctx context.Context, f EventFilter, found []events.Recorded) error {
	if f.Sealed {
		return nil
	}
	return o.Queries.open(ctx, found)
}

func (f EventFilter) selects(e events.Recorded) bool {
	return (f.Tenant == "" || e.Meta.Tenant == f.Tenant) &&
		(f.Stream == "" || e.StreamID == f.Stream) &&
		within(e.Type, f.Type, ".") && within(e.Meta.Actor, f.Actor, ":")
}
