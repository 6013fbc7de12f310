package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// test reports whether a stream that begins with first is a test key's doing. What
// is about people rather than messages never is: consents and received texts.
func test(first events.Recorded) bool {
	switch d := first.Data.(type) {
	case events.MessageAccepted:
		return d.Test
	case events.ReplayRequested:
		return d.Test
	case events.KeyIssued:
		return d.Test
	}
	return false
}

// shows reports whether a stream that begins with first exists for q.
func (q Queries) shows(first events.Recorded) bool { return !q.TestOnly || test(first) }

// shown returns which events of a frame are selected and q shows.
func (q Queries) shown(ctx context.Context, selects func(events.Recorded) bool, frame []events.Recorded) (func(events.Recorded) bool, error) {
	if !q.TestOnly {
		return selects, nil
	}
	var ids []string
	for _, e := range frame {
		if selects(e) {
			ids = append(ids, e.StreamID)
		}
	}
	slices.Sort(ids)
	streams, err := q.Store.LoadMany(ctx, slices.Compact(ids))
	if err != nil && !errors.Is(err, events.ErrUnreadable) { // whose first event that is, is not known to be a test key's
		return nil, fmt.Errorf("loading %d streams: %w", len(ids), err)
	}
	return func(e events.Recorded) bool { return selects(e) && test(streams[e.StreamID][0]) }, nil
}

// scans bounds how often page reads scanned rows.
const scans = 20

// page returns up to query.Limit rows, and the place of the next page, nil after
// the last. at says of a row whether a test key has begun it, and where it stands.
func page[R any](ctx context.Context, q Queries, view ports.View, query ports.Query, at func(R) (test bool, place ports.Cursor)) ([]R, *ports.Cursor, error) {
	rows, next, err := sealedPage(ctx, q, view, query, at)
	if err != nil {
		return nil, nil, err
	}
	return rows, next, unseal(ctx, q, rows)
}

// sealedPage is page with rows as they are in the view.
func sealedPage[R any](ctx context.Context, q Queries, view ports.View, query ports.Query, at func(R) (test bool, place ports.Cursor)) ([]R, *ports.Cursor, error) {
	limit, rounds := query.Limit, 1
	if query.Limit++; q.TestOnly {
		query.Limit, rounds = scanned, scans
	}
	var rows []R
	for range rounds {
		found, err := find[R](ctx, q.Views, view, query)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range found {
			isTest, place := at(row)
			if !isTest && q.TestOnly {
				query.After = &place
				continue
			}
			if len(rows) == limit {
				return rows, query.After, nil
			}
			rows, query.After = append(rows, row), &place
		}
		if len(found) < query.Limit {
			return rows, nil, nil
		}
	}
	return rows, query.After, nil
}
