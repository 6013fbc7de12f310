package redis

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/ports"
)

//go:embed quota.lua
var quotaScript string

// quotaTag is before the key of an allowance.
const quotaTag = "prosms:quota:"

// Quota is a ports.Quota that all instances on one Redis share. Each call is one
// round trip, and two where nothing is counted yet. Where Redis does not answer in
// time, the error wraps ports.ErrUnavailable; wrap it in limit.Quota.
type Quota struct {
	client *Client
	script *goredis.Script
}

// NewQuota returns a quota on c, which stays the caller's to close.
func NewQuota(c *Client) *Quota {
	return &Quota{client: c, script: goredis.NewScript(quotaScript)}
}

// Use implements ports.Quota.
func (q *Quota) Use(ctx context.Context, a ports.Allowance, wanted []ports.Usage) ([]bool, error) {
	taken, begun, err := q.run(ctx, a, "ask", ports.Usage{}, wanted, time.Time{})
	if err != nil || begun {
		return taken, err
	}
	used, err := a.Used(ctx)
	if err != nil {
		return nil, err
	}
	taken, _, err = q.run(ctx, a, "begin", used, wanted, time.Now())
	return taken, err
}

// Return implements ports.Quota.
func (q *Quota) Return(ctx context.Context, a ports.Allowance, unneeded ports.Usage) error {
	_, _, err := q.run(ctx, a, "return", unneeded, nil, time.Time{})
	return err
}

// Add implements ports.Quota. Times are those of the instances' clocks.
func (q *Quota) Add(ctx context.Context, a ports.Allowance, taken ports.Usage, since time.Time) error {
	_, _, err := q.run(ctx, a, "add", taken, nil, since)
	return err
}

// run is false where nothing is counted yet.
func (q *Quota) run(ctx context.Context, a ports.Allowance, how string, amount ports.Usage, wanted []ports.Usage, at time.Time) ([]bool, bool, error) {
	keep := max(time.Until(a.Until), time.Minute)
	args := make([]any, 0, 7+2*len(wanted))
	args = append(args, how, amount.Messages, amount.Segments, a.Limit.Messages, a.Limit.Segments, keep.Milliseconds(), at.UnixMicro())
	for _, want := range wanted {
		args = append(args, want.Messages, want.Segments)
	}
	ctx, cancel := context.WithTimeout(ctx, q.client.timeout)
	defer cancel()
	got, err := q.script.Run(ctx, q.client.redis, []string{quotaTag + a.Key}, args...).Int64Slice()
	if err != nil {
		return nil, false, fmt.Errorf("taking from a quota: %w: %w", ports.ErrUnavailable, err)
	}
	if len(got) == 1 && got[0] == 0 {
		return nil, false, nil
	}
	if len(got) != 1+len(wanted) {
		return nil, false, fmt.Errorf("taking from a quota: answer of %d numbers: %w", len(got), ports.ErrUnavailable)
	}
	taken := make([]bool, len(wanted))
	for i := range wanted {
		taken[i] = got[1+i] == 1
	}
	return taken, true, nil
}
