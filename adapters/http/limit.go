package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// limitKey counts a request against its key and its tenant, at once: a request that
// one refuses takes nothing from the other. A rate of the key's own is below that of
// all keys.
func (a *api) limitKey(ctx context.Context, res *response, id, tenant string, own int) error {
	rate := a.RatePerKey
	if own > 0 && (rate <= 0 || own < rate) {
		rate = own
	}
	return a.limit(ctx, res, limited{"key", id, rate}, limited{"tenant", tenant, a.RatePerTenant})
}

// limitAddress counts a request without a valid key against its address.
func (a *api) limitAddress(ctx context.Context, res *response, r *http.Request) error {
	return a.limit(ctx, res, limited{"ip", counted(a.client(r)), a.RatePerIP})
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

// limited is what a limit counts: the kind of it, which one, and requests a second;
// 0: any number.
type limited struct {
	name, id string
	rate     int
}

// burstSeconds are of the rate that a burst may use up at once.
const burstSeconds = 2

// limit takes one request from every limit or from none, and tells the client where
// it stands with the tightest (draft-ietf-httpapi-ratelimit-headers-10).
func (a *api) limit(ctx context.Context, res *response, all ...limited) error {
	all = slices.DeleteFunc(all, func(l limited) bool { return l.rate <= 0 })
	if a.Limiter == nil || len(all) == 0 {
		return nil
	}
	limits, policies := make([]ports.Limit, len(all)), make([]string, len(all))
	for i, l := range all {
		limits[i] = ports.Limit{Key: l.name + ":" + l.id, Rate: l.rate, Burst: burstSeconds * l.rate}
		policies[i] = `"` + l.name + `";q=` + strconv.Itoa(limits[i].Burst) + `;w=` + strconv.Itoa(burstSeconds)
	}
	taken, err := a.Limiter.Take(ctx, limits)
	if err != nil {
		// The limiter falls back on counting by itself when its server is gone;
		// should that fail too, serving is the lesser evil.
		a.log.WarnContext(ctx, "asking the limiter", "limit", all[0].name, "error", err)
		return nil
	}
	reset := taken.ResetAfter
	if !taken.Allowed {
		reset = max(taken.RetryAfter, time.Second)
	}
	h, after := res.Header(), strconv.Itoa(wholeSeconds(reset))
	h.Set("RateLimit-Policy", strings.Join(policies, ", "))
	h.Set("RateLimit", `"`+all[taken.Tightest].name+`";r=`+strconv.Itoa(taken.Remaining)+`;t=`+after)
	if !taken.Allowed {
		h.Set("Retry-After", after)
		return errRateLimited
	}
	return nil
}

// wholeSeconds rounds up, so that nobody comes back too early.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
