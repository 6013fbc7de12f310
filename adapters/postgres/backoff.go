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
// nothing to read it waits here, where it can be woken, instead of asking for a
// pause; it never waits longer than pollInterval.
func (b *backoff) HandleError(logger watermill.LoggerAdapter, nothing bool, err error) time.Duration {
	if err == nil && !nothing {
		b.grown = b.changes.wait()
		return 0 // there may be more already
	}
	wake := b.grown
	if err != nil {
		wake = nil // the server is in trouble: a change is no reason to hurry
		if !errors.Is(err, context.Canceled) {
			logger.Error("reading the log", err, nil)
		}
	}
	poll := time.NewTimer(pollInterval)
	defer poll.Stop()
	select {
	case <-wake:
	case <-b.closing:
	case <-poll.C:
	}
	b.grown = b.changes.wait()
	return 0
}
