package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// limitKey counts a request against its key. A rate of the key's own is below that
// of all keys.
func (a *api) limitKey(ctx context.Context, res *response, id string, own int) error {
	rate := a.RatePerKey
	if own > 0 && (rate <= 0 || own < rate) {
		rate = own
	}
	return a.limit(ctx, res, "key", id, rate)
}

// limitAddress counts a request without a valid key against its address.
func (a *api) limitAddress(ctx context.Context, res *response, r *http.Request) error {
	return a.limit(ctx, res, "ip", counted(a.client(r)), a.RatePerIP)
}

// limitStranger is limitAddress where a key is not asked for, but excuses.
func (a *api) limitStranger(ctx context.Context, res *response, r *http.Request) error {
	if r.Header.Get("Authorization") != "" {
		if _, _, err := a.authenticate(ctx, r); err == nil {
			return nil
		}
	}
	return a.limitAddress(ctx, res, r)
}

// limit takes one request from the limit called name, and tells the client where
// it stands (draft-ietf-httpapi-ratelimit-headers-10).
func (a *api) limit(ctx context.Context, res *response, name, id string, rate int) error {
	if a.Limiter == nil || rate <= 0 {
		return nil
	}
	const seconds = 2 // of the rate that a burst may use up at once
	limit := ports.Limit{Key: name + ":" + id, Rate: rate, Burst: seconds * rate}
	taken, err := a.Limiter.Take(ctx, []ports.Limit{limit})
	if err != nil {
		// The limiter falls back on counting by itself when its server is gone;
		// should that fail too, serving is the lesser evil.
		a.log.WarnContext(ctx, "asking the limiter", "limit", name, "error", err)
		return nil
	}
	reset := taken.ResetAfter
	if !taken.Allowed {
		reset = max(taken.RetryAfter, time.Second)
	}
	h, after := res.Header(), strconv.Itoa(wholeSeconds(reset))
	h.Set("RateLimit-Policy", `"`+name+`";q=`+strconv.Itoa(limit.Burst)+`;w=`+strconv.Itoa(seconds))
	h.Set("RateLimit", `"`+name+`";r=`+strconv.Itoa(taken.Remaining)+`;t=`+after)
	if !taken.Allowed {
		h.Set("Retry-After", after)
		return errRateLimited
	}
	return nil
}

// wholeSeconds rounds up, so that nobody comes back too early.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
