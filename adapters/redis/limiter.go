package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/ports"
)

//go:embed limiter.lua
var limiterScript string

// limiterTag keeps all limits in one slot of a cluster, as a script must have them.
const limiterTag = "{prosms:limits}:"

// Limiter is a ports.Limiter that all instances on one Redis share. Each Take is
// one round trip, timed by the server's clock. Where Redis does not answer in
// time, the error wraps ports.ErrUnavailable, and it is not known whether the
// request was counted; wrap it in limit.Fallback.
type Limiter struct {
	client *Client
	script *goredis.Script
	now    func() time.Time // nil but in tests: the server's clock
}

// NewLimiter returns a limiter on c, which stays the caller's to close.
func NewLimiter(c *Client) *Limiter {
	return &Limiter{client: c, script: goredis.NewScript(limiterScript)}
}

// Take implements ports.Limiter.
func (l *Limiter) Take(ctx context.Context, limits []ports.Limit) (ports.Taken, error) {
	if len(limits) == 0 {
		return ports.Taken{Allowed: true}, nil
	}
	keys, args := l.arguments(limits)
	ctx, cancel := context.WithTimeout(ctx, l.client.timeout)
	defer cancel()
	got, err := l.script.Run(ctx, l.client.redis, keys, args...).Int64Slice()
	if err != nil {
		return ports.Taken{}, fmt.Errorf("taking from %d limits: %w: %w", len(limits), ports.ErrUnavailable, err)
	}
	if len(got) != 5 {
		return ports.Taken{}, fmt.Errorf("taking from %d limits: answer of %d numbers", len(limits), len(got))
	}
	return ports.Taken{
		Allowed:    got[0] == 1,
		Tightest:   int(got[1]),
		Remaining:  int(got[2]),
		ResetAfter: time.Duration(got[3]) * time.Microsecond,
		RetryAfter: time.Duration(got[4]) * time.Microsecond,
	}, nil
}

func (l *Limiter) arguments(limits []ports.Limit) (keys []string, args []any) {
	keys, args = make([]string, len(limits)), make([]any, 0, 1+2*len(limits))
	now := ""
	if l.now != nil {
		now = strconv.FormatInt(l.now().UnixMicro(), 10)
	}
	args = append(args, now)
	for i, limit := range limits {
		rate, burst := int64(max(limit.Rate, 1)), int64(max(limit.Burst, 1))
		interval := (1_000_000 + rate - 1) / rate // rounded up: never more than the rate
		keys[i] = limiterTag + limit.Key
		args = append(args, interval, interval*burst)
	}
	return keys, args
}
