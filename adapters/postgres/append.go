package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Append implements ports.EventStore in one round trip.
func (s *EventStore) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if len(writes) == 0 {
		return nil, ctx.Err()
	}
	b, err := newBatch(writes)
	if err != nil {
		return nil, err
	}
	var (
		accepted []bool
		tip      *int64
		at       *time.Time
	)
	err = s.db.pool.QueryRow(ctx, callAppend, b.args()...).Scan(&accepted, &tip, &at)
	if err != nil {
		return nil, fmt.Errorf("appending %d writes: %w", len(writes), unavailable(err))
	}
	if len(accepted) != len(writes) {
		return nil, fmt.Errorf("appending %d writes: %d results", len(writes), len(accepted))
	}
	if tip != nil {
		s.db.tail.Add(b.commit(accepted, *tip, at.UTC()))
	}
	results := make([]ports.Result, len(writes))
	for i, w := range writes {
		if !accepted[i] {
			results[i].Err = fmt.Errorf("appending to stream %s at version %d: %w", w.StreamID, w.Expected, ports.ErrConflict)
			continue
		}
		n := len(w.Events)
		results[i] = ports.Result{
			FirstPosition: *tip + 1, LastPosition: *tip + int64(n),
			Version: w.Expected + n, RecordedAt: at.UTC(),
		}
		*tip += int64(n)
	}
	if tip != nil {
		s.db.changes.announce() // sooner than the server does
	}
	return results, nil
}
