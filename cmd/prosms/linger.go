package main

import (
	"context"
	"time"
)

// linger returns a context that ends delay after ctx does: for a while everything goes
// on but /readyz, which says no, so that those who pass requests on send them elsewhere
// before the listeners close. The caller calls cancel when it needs it no longer.
func linger(ctx context.Context, delay time.Duration) (lingering context.Context, cancel context.CancelFunc) {
	lingering, cancel = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		pause := time.NewTimer(delay)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-lingering.Done():
		}
		cancel()
	})
	return lingering, cancel
}
