package redis

import "time"

// SetClock makes l count by now instead of the server's clock.
func (l *Limiter) SetClock(now func() time.Time) { l.now = now }

// SetClock makes b count by now instead of the server's clock.
func (b *BreakerCounts) SetClock(now func() time.Time) { b.now = now }
