package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/ports"
)

//go:embed breakercounts.lua
var breakerScript string

// breakerTag is before the name of a provider.
const breakerTag = "prosms:breaker:"

// BreakerCounts is a ports.BreakerCounts that all instances on one Redis share.
// Each Add is one round trip, timed by the server's clock. Where Redis does not
// answer in time, the error wraps ports.ErrUnavailable, and it is not known
// whether the calls were counted.
type BreakerCounts struct {
	client *Client
	script *goredis.Script
	now    func() time.Time // nil but in tests: the server's clock
}

// NewBreakerCounts returns counts on c, which stays the caller's to close.
func NewBreakerCounts(c *Client) *BreakerCounts {
	return &BreakerCounts{client: c, script: goredis.NewScript(breakerScript)}
}

// Add implements ports.BreakerCounts.
func (b *BreakerCounts) Add(ctx context.Context, w ports.CountWindow, t breaker.Tally) (breaker.Tally, error) {
	now := ""
	if b.now != nil {
		now = strconv.FormatInt(b.now().UnixMicro(), 10)
	}
	ctx, cancel := context.WithTimeout(ctx, b.client.timeout)
	defer cancel()
	got, err := b.script.Run(ctx, b.client.redis, []string{breakerTag + w.Provider},
		w.Epoch, breaker.Width(w.Span).Microseconds(), breaker.Buckets, t.Good, t.Bad, t.Run, now).Int64Slice()
	if err != nil {
		return breaker.Tally{}, fmt.Errorf("counting calls to provider %s: %w: %w", w.Provider, ports.ErrUnavailable, err)
	}
	if len(got) != 3 {
		return breaker.Tally{}, fmt.Errorf("counting calls to provider %s: answer of %d numbers", w.Provider, len(got))
	}
	return breaker.Tally{Good: int(got[0]), Bad: int(got[1]), Run: int(got[2])}, nil
}
