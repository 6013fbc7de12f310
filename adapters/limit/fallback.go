// Package limit combines limiters.
package limit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Fallback is a ports.Limiter that asks Shared and, while that cannot be asked,
// Local: every instance then counts for itself, so that n of them together allow
// up to n times the rate, but never everything. It returns an error only if Local
// does. After a failure Shared is left alone for Pause, and then tried by one
// request at a time, so that no more than one in each Pause waits for a server
// that does not answer. It must not be copied.
type Fallback struct {
	Shared, Local ports.Limiter
	Pause         time.Duration    // 0 means 1s
	Log           *slog.Logger     // told of each change; nil means nobody is
	Now           func() time.Time // nil means time.Now

	mu      sync.Mutex
	down    bool
	retryAt time.Time // while down: when Shared is tried again
}

// Take implements ports.Limiter.
func (f *Fallback) Take(ctx context.Context, limits []ports.Limit) (ports.Taken, error) {
	if f.tryShared() {
		taken, err := f.Shared.Take(ctx, limits)
		if err == nil {
			f.succeeded()
			return taken, nil
		}
		if ctx.Err() == nil { // else the client has gone, which says nothing of Shared
			f.failed(err)
		}
	}
	return f.Local.Take(context.WithoutCancel(ctx), limits)
}

// Down reports whether Shared could not be asked when it was last tried.
func (f *Fallback) Down() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// tryShared gives the one try of each pause to whoever comes first.
func (f *Fallback) tryShared() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.down {
		return true
	}
	now := f.now()
	if now.Before(f.retryAt) {
		return false
	}
	f.retryAt = now.Add(f.pause())
	return true
}

func (f *Fallback) succeeded() {
	f.mu.Lock()
	back := f.down
	f.down = false
	f.mu.Unlock()
	if back {
		f.log().Info("limits are shared again")
	}
}

func (f *Fallback) failed(err error) {
	f.mu.Lock()
	news := !f.down
	f.down, f.retryAt = true, f.now().Add(f.pause())
	f.mu.Unlock()
	if news {
		f.log().Warn("limits are counted by each instance for itself", "error", err)
	}
}

func (f *Fallback) now() time.Time {
	if f.Now == nil {
		return time.Now()
	}
	return f.Now()
}

func (f *Fallback) pause() time.Duration {
	if f.Pause <= 0 {
		return time.Second
	}
	return f.Pause
}

func (f *Fallback) log() *slog.Logger {
	if f.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Log
}
