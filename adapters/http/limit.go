package api

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// limitKey counts a request against its key.
func (a *api) limitKey(ctx context.Context, res *response, id string) error {
	return a.limit(ctx, res, "key", id, a.RatePerKey)
}

// limitAddress counts a request without a valid key against its address.
func (a *api) limitAddress(ctx context.Context, res *response, r *http.Request) error {
	return a.limit(ctx, res, "ip", clientAddress(r.RemoteAddr), a.RatePerIP)
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

// clientAddress is whom a limit counts: an IPv4 address, or the /64 of an IPv6
// address, since that is what one customer of a network gets.
func clientAddress(remote string) string {
	endpoint, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unknown"
	}
	address := endpoint.Addr().Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, _ := address.Prefix(64) // 64 bits are no more than an IPv6 address has
	return prefix.String()
}
