package memory

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Quota is a ports.Quota for one process. The zero value is ready; it must not be
// copied. It keeps a count for each key until its allowance ends.
type Quota struct {
	Now func() time.Time // nil means time.Now

	mu     sync.Mutex
	counts map[string]*count
}

// count is what is used of one allowance. Its mutex is held while Used is asked,
// so that nothing is taken meanwhile.
type count struct {
	mu    sync.Mutex
	known bool
	used  ports.Usage
	began time.Time
	until time.Time
}

// Use implements ports.Quota. It fails only if the allowance's Used does.
func (q *Quota) Use(ctx context.Context, a ports.Allowance, wanted []ports.Usage) ([]bool, error) {
	c := q.count(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		used, err := a.Used(ctx)
		if err != nil {
			return nil, err
		}
		c.used, c.known, c.began = used, true, q.now()
	}
	taken := make([]bool, len(wanted))
	for i, want := range wanted {
		if sum := c.used.Plus(want); sum.Within(a.Limit) {
			c.used, taken[i] = sum, true
		}
	}
	return taken, nil
}

// Return implements ports.Quota. It never fails.
func (q *Quota) Return(_ context.Context, a ports.Allowance, unneeded ports.Usage) error {
	c := q.count(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known {
		c.used.Messages = max(0, c.used.Messages-unneeded.Messages)
		c.used.Segments = max(0, c.used.Segments-unneeded.Segments)
	}
	return nil
}

// Add implements ports.Quota. It never fails.
func (q *Quota) Add(_ context.Context, a ports.Allowance, taken ports.Usage, since time.Time) error {
	c := q.count(a)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && !c.began.After(since) {
		c.used = c.used.Plus(taken)
	}
	return nil
}

// Forget drops all counts: they begin anew with what Used says.
func (q *Quota) Forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts = nil
}

// count returns that of an allowance, and drops those whose time is over when a new
// one begins.
func (q *Quota) count(a ports.Allowance) *count {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.counts[a.Key]
	if c == nil {
		now := q.now()
		maps.DeleteFunc(q.counts, func(_ string, old *count) bool { return old.until.Before(now) })
		if q.counts == nil {
			q.counts = map[string]*count{}
		}
		c = &count{until: a.Until}
		q.counts[a.Key] = c
	}
	return c
}

func (q *Quota) now() time.Time {
	if q.Now == nil {
		return time.Now()
	}
	return q.Now()
}
