package projections

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// AsOf is a moment of the past: a position, or else a time.
type AsOf struct {
	Position int64
	Time     time.Time // zero: Position counts
}

// ParseAsOf reads a position (0 or more), or a time in RFC 3339.
func ParseAsOf(text string) (AsOf, error) {
	if position, err := strconv.ParseInt(text, 10, 64); err == nil && position >= 0 {
		return AsOf{Position: position}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return AsOf{}, fmt.Errorf("as of: a position, or an RFC 3339 date and time with its offset")
	}
	return AsOf{Time: at}, nil
}

// Includes reports whether e had happened.
func (a AsOf) Includes(e events.Recorded) bool {
	if a.Time.IsZero() {
		return e.Position <= a.Position
	}
	return !e.RecordedAt.After(a.Time)
}

// In returns the last position that the log had at a. Times never decrease along
// the log, so it takes as many look-ups as the head has binary digits.
func (a AsOf) In(ctx context.Context, store ports.EventStore) (int64, error) {
	head, err := store.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the head: %w", err)
	}
	if a.Time.IsZero() {
		return min(a.Position, head.LastPosition), nil
	}
	var failed error
	// The first position whose commit is later than a.
	later := sort.Search(int(head.LastPosition), func(i int) bool {
		commits, err := store.Commits(ctx, int64(i), 1)
		if err != nil || len(commits) == 0 {
			failed = err
			return true
		}
		return commits[0].RecordedAt.After(a.Time)
	})
	if failed != nil {
		return 0, fmt.Errorf("searching the log for a time: %w", failed)
	}
	return int64(later), nil
}
