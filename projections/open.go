package projections

import (
	"context"
	"errors"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// openScans bounds how many messages OpenDays looks at, in pages of scanned.
const openScans = 400

// farAhead is later than any message that is open can be due.
const farAhead = 10 * 366 * 24 * time.Hour

// ErrTooManyOpen says that there are more open messages than OpenDays looks at.
var ErrTooManyOpen = errors.New("too many messages are open to look at all of them")

// OpenDays returns the days (2026-11-25, UTC) under which the body of a message may
// be sealed that began before a time and is not at its end. It takes in the day
// before, as clocks differ.
func (q Queries) OpenDays(ctx context.Context, began time.Time) (map[string]bool, error) {
	days := map[string]bool{}
	for _, status := range []string{"accepted", "scheduled", "dispatching", "retrying", "in_doubt"} {
		if err := q.openDays(ctx, status, began, days); err != nil {
			return nil, err
		}
	}
	return days, nil
}

func (q Queries) openDays(ctx context.Context, status string, began time.Time, days map[string]bool) error {
	var after *ports.Cursor
	for range openScans {
		found, err := find[Message](ctx, q.Views, messagesView, ports.Query{
			Where: []ports.Condition{
				{Column: "status", Op: ports.Equal, Value: status},
				{Column: "due_at", Op: ports.AtMost, Value: began.UTC().Add(farAhead)}, // all of them, by the index
				{Column: "created_at", Op: ports.Before, Value: began.UTC()},
			},
			OrderBy: "due_at", After: after, Limit: scanned,
		})
		if err != nil {
			return err
		}
		for _, m := range found {
			for _, at := range []time.Time{m.CreatedAt, m.CreatedAt.Add(-24 * time.Hour)} {
				days[at.UTC().Format(time.DateOnly)] = true
			}
			if m.SendAt != nil {
				days[m.SendAt.UTC().Format(time.DateOnly)] = true
			}
		}
		if len(found) < scanned {
			return nil
		}
		last := found[len(found)-1]
		after = &ports.Cursor{Key: last.attentionAt(), ID: last.ID}
	}
	return ErrTooManyOpen
}
