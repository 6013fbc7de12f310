package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill"
)

// backoff lets one subscription wait until the log has grown. It is called from
// the subscription's goroutine alone.
type backoff struct {
	changes *changes
	closing <-chan struct{}
	grown   <-chan struct{} // taken before the query whose result HandleError is told
}

func newBackoff(db *DB, closing <-chan struct{}) *backoff {
	return &backoff{changes: &db.changes, closing: closing, grown: db.changes.wait()}
}

// HandleError implements the BackoffManager of watermill-sql. Where there was
// nothing to read it waits here, where it can be woken, and not longer than
// pollInterval; for other pauses it asks.
func (b *backoff) HandleError(logger watermill.LoggerAdapter, nothing bool, err error) time.Duration {
	defer func() { b.grown = b.changes.wait() }()
	switch {
	case errors.Is(err, context.Canceled):
		return 0 // the subscription ends
	case err != nil:
		logger.Error("reading the log", err, nil)
		return retryInterval
	case nothing:
		b.await()
	}
	return 0
}

// await returns when the log has grown since the last query began.
func (b *backoff) await() {
	poll := time.NewTimer(pollInterval)
	defer poll.Stop()
	select {
	case <-b.grown:
	case <-b.closing:
	case <-poll.C:
	}
}
