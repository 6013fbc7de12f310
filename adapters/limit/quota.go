package limit

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Quota is a ports.Quota that asks Shared and, while that cannot be asked, Local.
// Local begins each outage anew, with what Allowance.Used says: what all instances
// had used by then counts, and what others use meanwhile does not. It must not be
// copied.
type Quota struct {
	Shared ports.Quota
	Local  interface {
		ports.Quota
		Forget()
	}
	Pause time.Duration    // how long Shared is left alone after a failure; 0 means 1s
	Now   func() time.Time // nil means time.Now

	retryAt atomic.Int64 // nanoseconds since 1970; 0: Shared answers
}

// Use implements ports.Quota. It fails only if Local or the allowance's Used does.
func (q *Quota) Use(ctx context.Context, a ports.Allowance, wanted []ports.Usage) ([]bool, error) {
	if q.trySharedNow() {
		asked := a
		var unread error
		asked.Used = func(ctx context.Context) (used ports.Usage, err error) {
			used, unread = a.Used(ctx)
			return used, unread
		}
		taken, err := q.Shared.Use(ctx, asked, wanted)
		switch {
		case err == nil:
			q.retryAt.Store(0)
			return taken, nil
		case unread != nil:
			return nil, unread // it is not Shared that is gone
		case ctx.Err() == nil:
			q.failed()
		}
	}
	return q.Local.Use(context.WithoutCancel(ctx), a, wanted)
}

// Return implements ports.Quota.
func (q *Quota) Return(ctx context.Context, a ports.Allowance, unneeded ports.Usage) error {
	if q.retryAt.Load() == 0 {
		return q.Shared.Return(ctx, a, unneeded)
	}
	return q.Local.Return(ctx, a, unneeded)
}

// trySharedNow gives the one try of each pause to whoever comes first.
func (q *Quota) trySharedNow() bool {
	at, now := q.retryAt.Load(), q.now().UnixNano()
	return at == 0 || now >= at && q.retryAt.CompareAndSwap(at, now+int64(q.pause()))
}

func (q *Quota) failed() {
	if q.retryAt.Swap(q.now().Add(q.pause()).UnixNano()) == 0 {
		q.Local.Forget()
	}
}

func (q *Quota) pause() time.Duration {
	if q.Pause <= 0 {
		return time.Second
	}
	return q.Pause
}

func (q *Quota) now() time.Time {
	if q.Now == nil {
		return time.Now()
	}
	return q.Now()
}
