package rabbitmq

import (
	"context"
	"time"
)

// backoff counts out growing waits.
type backoff struct {
	first, max time.Duration
	last       time.Duration
}

// next returns the wait to come: twice the last one, within first and max.
func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, b.first), b.max)
	return b.last
}

func (b *backoff) reset() { b.last = 0 }

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
