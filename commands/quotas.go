package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Quotas are the caps on what each tenant may have accepted in a day of UTC. Texts
// of test keys do not count. A nil one caps nothing.
type Quotas struct {
	Quota   ports.Quota
	Default ports.Usage            // zero of either: any number
	Own     map[string]ports.Usage // of tenants for which the default does not hold
	// Used returns what a tenant has had accepted since a time, for counts that
	// were lost: a restart gives nobody a new day. It may take some seconds; whoever
	// asks meanwhile waits for the same answer.
	Used func(ctx context.Context, tenant string, since time.Time) (ports.Usage, error)

	asking singleflight.Group
}

// longestCount bounds asking what was used.
const longestCount = time.Minute

// used asks for what a tenant has used since day began, once for all who ask. The
// asking goes on when ctx ends: the next one has its answer the sooner.
func (q *Quotas) used(ctx context.Context, tenant string, day time.Time) (ports.Usage, error) {
	answer := q.asking.DoChan(tenant+" "+day.Format(time.DateOnly), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestCount)
		defer cancel()
		return q.Used(ctx, tenant, day)
	})
	select {
	case got := <-answer:
		used, _ := got.Val.(ports.Usage)
		return used, got.Err
	case <-ctx.Done():
		return ports.Usage{}, ctx.Err()
	}
}

// QuotaExceeded says that a tenant's day is used up. Nothing was counted.
type QuotaExceeded struct{ RetryAfter time.Duration } // until the next day of UTC

// Error says so.
func (QuotaExceeded) Error() string { return "the tenant's daily quota is used up" }

// allowance returns a tenant's for the day that now is in; false: there is no cap.
func (q *Quotas) allowance(caller Caller, now time.Time) (ports.Allowance, bool) {
	if q == nil || caller.Test {
		return ports.Allowance{}, false
	}
	limit, own := q.Own[caller.Tenant]
	if !own {
		limit = q.Default
	}
	day := now.UTC().Truncate(24 * time.Hour)
	return ports.Allowance{
		Key: caller.Tenant + ":" + day.Format(time.DateOnly), Limit: limit,
		// Clocks of instances differ, and what is returned late is returned to its day.
		Until: day.Add(25 * time.Hour),
		Used:  func(ctx context.Context) (ports.Usage, error) { return q.used(ctx, caller.Tenant, day) },
	}, limit != ports.Usage{}
}

// offer is a write of a text, and which request asks for it.
type offer struct {
	write ports.Write
	index int
}

func (o offer) usage() ports.Usage {
	return ports.Usage{Messages: 1, Segments: int64(o.text().Segments)}
}

func (o offer) text() events.MessageAccepted { return o.write.Events[0].(events.MessageAccepted) }

// takeQuota takes each offer from the day of the caller's tenant, and returns those
// for which it suffices. The others are refused in results, unless they repeat a
// request that was accepted before. What is taken and does not come to be accepted
// has to go to giveBack.
func (h *Handler) takeQuota(ctx context.Context, caller Caller, offers []offer, results []SendResult) ([]offer, giveBack, error) {
	now := h.now()
	allowance, capped := h.Quotas.allowance(caller, now)
	if !capped || len(offers) == 0 {
		return offers, func(context.Context, ports.Usage) {}, nil
	}
	wanted := make([]ports.Usage, len(offers))
	for i, o := range offers {
		wanted[i] = o.usage()
	}
	taken, err := h.Quotas.Quota.Use(ctx, allowance, wanted)
	if err != nil {
		return nil, nil, fmt.Errorf("asking for the quota: %w: %w", ports.ErrUnavailable, err)
	}
	var within []offer
	for i, o := range offers {
		if taken[i] {
			within = append(within, o)
			continue
		}
		day := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
		results[o.index] = h.refuseBeyond(ctx, o, QuotaExceeded{RetryAfter: day.Sub(now)})
	}
	return within, func(ctx context.Context, unneeded ports.Usage) {
		if unneeded != (ports.Usage{}) {
			// Lost at worst is a part of one day's allowance, and nobody can do anything about it.
			_ = h.Quotas.Quota.Return(context.WithoutCancel(ctx), allowance, unneeded)
		}
	}, nil
}

// tellRefused tells how many of a tenant's texts were refused that are fine in
// themselves.
func (h *Handler) tellRefused(tenant string, results []SendResult) {
	if h.Refused == nil {
		return
	}
	beyond, paused := 0, 0
	for _, r := range results {
		switch r.Err.(type) {
		case QuotaExceeded:
			beyond++
		case PrefixPaused:
			paused++
		}
	}
	if beyond > 0 {
		h.Refused(tenant, CodeQuotaExceeded, beyond)
	}
	if paused > 0 {
		h.Refused(tenant, CodePrefixPaused, paused)
	}
}

// giveBack returns what was taken for texts that were not accepted.
type giveBack func(ctx context.Context, unneeded ports.Usage)

// refuseBeyond answers a request that is refused for cause, unless it repeats one
// that was accepted once.
func (h *Handler) refuseBeyond(ctx context.Context, o offer, cause error) SendResult {
	if o.text().Fingerprint == "" {
		return SendResult{Err: cause}
	}
	repeated, err := h.repeated(ctx, o.write.StreamID, o.text())
	if errors.Is(err, domain.ErrNotFound) {
		return SendResult{Err: cause}
	}
	return SendResult{Sent: repeated, Err: err}
}
