package limit

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Quota is a ports.Quota that asks Shared and, while that cannot be asked, Local.
// Local begins each outage anew, with what Allowance.Used says: what all instances
// had used by then counts, and what others use meanwhile does not. When Shared is
// back, what was taken here meanwhile is added to its count before anything more is
// taken of it, unless that begins with what Used says. It must not be copied.
type Quota struct {
	Shared ports.Quota
	Local  interface {
		ports.Quota
		Forget()
	}
	Pause time.Duration    // how long Shared is left alone after a failure; 0 means 1s
	Now   func() time.Time // nil means time.Now

	retryAt atomic.Int64 // nanoseconds since 1970; 0: Shared answers

	mu   sync.Mutex
	owed map[string]debt // by the key of an allowance
}

// debt is what was taken of an allowance while Shared could not be asked.
type debt struct {
	taken ports.Usage
	since time.Time
	until time.Time // when it is of no interest any more
}

// Use implements ports.Quota. It fails only if Local or the allowance's Used does.
func (q *Quota) Use(ctx context.Context, a ports.Allowance, wanted []ports.Usage) ([]bool, error) {
	if q.trySharedNow() {
		taken, unread, err := q.shared(ctx, a, wanted)
		switch {
		case err == nil:
			q.retryAt.Store(0)
			return taken, nil
		case unread:
			return nil, err // it is not Shared that is gone
		case ctx.Err() != nil:
			return nil, ctx.Err() // whoever asked has gone, which says nothing of Shared
		}
		q.failed()
	}
	taken, err := q.Local.Use(ctx, a, wanted)
	for i, ok := range taken {
		if ok {
			q.owe(a, debt{taken: wanted[i], since: q.now()})
		}
	}
	return taken, err
}

// shared takes from Shared, once what is owed to it is paid. Unread: the error is that
// of Used.
func (q *Quota) shared(ctx context.Context, a ports.Allowance, wanted []ports.Usage) (taken []bool, unread bool, err error) {
	if owed, ok := q.debt(a.Key); ok {
		if err := q.Shared.Add(ctx, a, owed.taken, owed.since); err != nil {
			q.owe(a, owed)
			return nil, false, err
		}
	}
	asked := a
	asked.Used = func(ctx context.Context) (ports.Usage, error) {
		used, err := a.Used(ctx)
		unread = err != nil
		return used, err
	}
	taken, err = q.Shared.Use(ctx, asked, wanted)
	return taken, unread, err
}

// Return implements ports.Quota.
func (q *Quota) Return(ctx context.Context, a ports.Allowance, unneeded ports.Usage) error {
	if q.retryAt.Load() == 0 {
		return q.Shared.Return(ctx, a, unneeded)
	}
	q.owe(a, debt{taken: ports.Usage{}.Minus(unneeded), since: q.now()})
	return q.Local.Return(ctx, a, unneeded)
}

// owe adds to what is owed to Shared, and forgets what is of no interest any more.
func (q *Quota) owe(a ports.Allowance, d debt) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if before, known := q.owed[a.Key]; known {
		d.taken, d.since = before.taken.Plus(d.taken), before.since
	} else {
		now := q.now()
		maps.DeleteFunc(q.owed, func(_ string, d debt) bool { return d.until.Before(now) })
	}
	if q.owed == nil {
		q.owed = map[string]debt{}
	}
	d.until = a.Until
	q.owed[a.Key] = d
}

// debt takes what is owed of an allowance off the list. Less than nothing, where what
// was taken before the outage was given back in it, counts as nothing.
func (q *Quota) debt(key string) (debt, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	owed, ok := q.owed[key]
	delete(q.owed, key)
	owed.taken = ports.Usage{Messages: max(0, owed.taken.Messages), Segments: max(0, owed.taken.Segments)}
	return owed, ok
}

// Add implements ports.Quota.
func (q *Quota) Add(ctx context.Context, a ports.Allowance, taken ports.Usage, since time.Time) error {
	if q.retryAt.Load() == 0 {
		return q.Shared.Add(ctx, a, taken, since)
	}
	q.owe(a, debt{taken: taken, since: since})
	return q.Local.Add(ctx, a, taken, since)
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
