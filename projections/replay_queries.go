package projections

import (
	"context"
	"slices"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Replays returns a page of a tenant's replays, newest first; of all tenants where
// tenant is empty.
func (q Queries) Replays(ctx context.Context, tenant string, limit int, after *ports.Cursor) ([]Replay, *ports.Cursor, error) {
	var where []ports.Condition
	if tenant != "" {
		where = append(where, ports.Condition{Column: "tenant", Op: ports.Equal, Value: tenant})
	}
	return page(ctx, q, replaysView, ports.Query{Where: where, OrderBy: "created_at", Desc: true, After: after, Limit: limit},
		func(r Replay) (bool, ports.Cursor) { return r.Test, ports.Cursor{Key: r.CreatedAt, ID: r.ID} })
}

// Replay returns a replay as of now: an empty tenant means any.
func (q Queries) Replay(ctx context.Context, tenant, id string) (Replay, error) {
	recorded, err := q.stream(ctx, tenant, id, "replay.requested")
	return Of[Replay](recorded), err
}

// ReplayItems returns up to limit items of a tenant's replay with what came of
// them, in the order of its selection, from the one after the message after on;
// empty: the first. Without an outcome they are pending.
func (q Queries) ReplayItems(ctx context.Context, tenant, id, after string, limit int) (items []events.ReplayItem, more bool, err error) {
	recorded, err := q.stream(ctx, tenant, id, "replay.requested")
	if err != nil {
		return nil, false, err
	}
	outcomes := map[string]events.ReplayItem{}
	for _, e := range recorded {
		switch d := e.Data.(type) {
		case events.ReplaySelected:
			for _, message := range d.IDs {
				items = append(items, events.ReplayItem{ID: message})
			}
		case events.ReplayProgressed:
			for _, item := range d.Items {
				outcomes[item.ID] = item
			}
		}
	}
	from := slices.IndexFunc(items, func(i events.ReplayItem) bool { return i.ID == after }) + 1
	items = items[from:]
	if more = len(items) > limit; more {
		items = items[:limit]
	}
	for i, item := range items {
		if came, ok := outcomes[item.ID]; ok {
			items[i] = came
		}
	}
	return items, more, nil
}

// OpenReplays returns replays that have something left to do, as the view shows
// them, the oldest first: up to 100 that redrive, and as many that only follow.
func (q Queries) OpenReplays(ctx context.Context) ([]Replay, error) {
	var open []Replay
	for _, what := range []string{openRedrive, openFollow} {
		found, err := find[Replay](ctx, q.Views, replaysView, ports.Query{
			Where: []ports.Condition{{Column: "open", Op: ports.Equal, Value: what}}, OrderBy: "created_at", Limit: 100,
		})
		if err != nil {
			return nil, err
		}
		open = append(open, found...)
	}
	return open, nil
}
