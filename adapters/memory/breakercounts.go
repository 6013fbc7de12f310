package memory

import (
	"context"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/ports"
)

// BreakerCounts is a ports.BreakerCounts for one process. The zero value is ready.
type BreakerCounts struct {
	Now func() time.Time // nil means time.Now

	mu      sync.Mutex
	windows map[string]*epoch // by provider
}

type epoch struct {
	number int
	window breaker.Window
}

// Add implements ports.BreakerCounts. It never fails.
func (c *BreakerCounts) Add(_ context.Context, w ports.CountWindow, t breaker.Tally) (breaker.Tally, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.windows[w.Provider]
	switch {
	case e != nil && w.Epoch < e.number:
		return breaker.Tally{}, nil
	case e == nil || w.Epoch > e.number:
		if c.windows == nil {
			c.windows = map[string]*epoch{}
		}
		e = &epoch{number: w.Epoch, window: breaker.Window{Span: w.Span}}
		c.windows[w.Provider] = e
	}
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	e.window.Add(now, t)
	return e.window.Total(now), nil
}
