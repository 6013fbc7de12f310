package memory

import (
	"context"
	"sync"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Limiter is a ports.Limiter for one process. It counts by GCRA with the same
// integer arithmetic as the one on Redis. The zero value is ready; it must not
// be copied.
type Limiter struct {
	// MaxKeys bounds the memory: 0 means 65,536 keys, some 10 MB. Beyond it the
	// key that is nearest to whole, among a few looked at, is forgotten, and so
	// may burst once more.
	MaxKeys int
	Now     func() time.Time // nil means time.Now

	mu   sync.Mutex
	tats map[string]int64 // by key: when the limit is whole again, in µs since 1970
}

// Take implements ports.Limiter. It never fails.
func (l *Limiter) Take(_ context.Context, limits []ports.Limit) (ports.Taken, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	next := make(map[string]int64, len(limits)) // the tats if all are allowed
	passed := ports.Taken{Allowed: true}
	var refused ports.Taken
	for i, limit := range limits {
		g := newGCRA(limit)
		stored, again := next[limit.Key]
		if !again {
			stored = l.stored(limit.Key, now+g.window)
		}
		tat := max(now, min(stored, now+g.window))
		next[limit.Key] = tat + g.interval
		if wait := next[limit.Key] - g.window - now; wait > refused.RetryAfter.Microseconds() {
			refused = ports.Taken{Tightest: i, ResetAfter: micro(tat - now), RetryAfter: micro(wait)}
		}
		if left := int((g.window - (next[limit.Key] - now)) / g.interval); i == 0 || left < passed.Remaining {
			passed.Tightest, passed.Remaining, passed.ResetAfter = i, left, micro(next[limit.Key]-now)
		}
	}
	if refused.RetryAfter > 0 {
		return refused, nil
	}
	for key, tat := range next {
		l.put(key, tat, now)
	}
	return passed, nil
}

// gcra is a limit in microseconds: the generic cell rate algorithm (ITU-T I.371,
// annex A) keeps one number per key, the theoretical arrival time at which the
// limit is whole again.
type gcra struct {
	interval int64 // between requests, rounded up: never more than the rate
	window   int64 // how far ahead of now the arrival time may be
}

func newGCRA(limit ports.Limit) gcra {
	rate, burst := int64(max(limit.Rate, 1)), int64(max(limit.Burst, 1))
	interval := (1_000_000 + rate - 1) / rate
	return gcra{interval: interval, window: interval * burst}
}

// stored returns the tat of key, cut to the latest possible one, at which it may
// stand if the clock was set back or the limit made smaller. The cut is kept even
// if the request is refused, or the key would be refused for ever.
func (l *Limiter) stored(key string, latest int64) int64 {
	if l.tats[key] > latest {
		l.tats[key] = latest
	}
	return l.tats[key]
}

func (l *Limiter) now() int64 {
	if l.Now == nil {
		return time.Now().UnixMicro()
	}
	return l.Now().UnixMicro()
}

func (l *Limiter) put(key string, tat, now int64) {
	if l.tats == nil {
		l.tats = make(map[string]int64)
	}
	limit := l.MaxKeys
	if limit <= 0 {
		limit = 1 << 16
	}
	if _, known := l.tats[key]; !known && len(l.tats) >= limit {
		l.evict(now)
	}
	l.tats[key] = tat
}

// evict forgets, of a few keys, those that are whole, or else the nearest to it.
func (l *Limiter) evict(now int64) {
	const looks = 8
	nearest, looked, forgotten := "", 0, 0
	for key, tat := range l.tats {
		if tat <= now {
			delete(l.tats, key)
			forgotten++
		} else if nearest == "" || tat < l.tats[nearest] {
			nearest = key
		}
		if looked++; looked == looks {
			break
		}
	}
	if forgotten == 0 {
		delete(l.tats, nearest)
	}
}

func micro(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
