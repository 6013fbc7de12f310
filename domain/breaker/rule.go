package breaker

import (
	"time"

	"github.com/pro-sms/prosms/domain"
)

// Rule says when a breaker opens and how it closes again.
type Rule struct {
	Window      time.Duration // over which calls are counted
	FailureRate float64       // opens above this share of failures in the window …
	MinRequests int           // … once there are that many calls
	Consecutive int           // opens at that many failures in a row, however long they take
	Cooldown    time.Duration // before the first probe; doubles while probes fail, within MaxGrowth and MaxCooldown
	Probes      int           // calls at once while half open; so many successes close it
	Lease       time.Duration // after which a probe without an outcome counts as lost
}

// Bounds of the growth of a cooldown: a provider that is back is found out about that
// long after at the latest, and probes, which cost attempts, are few until then.
const (
	MaxGrowth   = 8               // times the first one
	MaxCooldown = 5 * time.Minute // of one that is shorter at first
)

// cooldown returns how long to wait after openings earlier ones, varied by chance
// so that instances and providers do not act in step.
func (r Rule) cooldown(openings int, chance float64) time.Duration {
	d, most := r.Cooldown, max(r.Cooldown, min(MaxGrowth*r.Cooldown, MaxCooldown))
	for range openings {
		if d >= most {
			break
		}
		d = min(2*d, most)
	}
	return time.Duration(float64(d) * (1 - domain.Jitter + 2*domain.Jitter*chance))
}

// Broken returns why t, the calls of a window, opens a breaker, or nothing.
func (r Rule) Broken(t Tally) string {
	n := t.Good + t.Bad
	switch {
	case r.Consecutive > 0 && t.Run >= r.Consecutive:
		return ReasonConsecutive
	case n >= r.MinRequests && float64(t.Bad) > r.FailureRate*float64(n):
		return ReasonRate
	}
	return ""
}

// Verdict is what an outcome says of its provider's health.
type Verdict int

// The verdicts.
const (
	Silent  Verdict = iota // nothing: too fast, or our own doing
	Healthy                // it answers, be it with a refusal
	Failing                // timeout, server error, no connection
	Down                   // nothing will be sent until it, or our account, is mended
)

// Judge returns the verdict on an outcome.
func Judge(class domain.Class, httpStatus int, cause string) Verdict {
	switch class {
	case domain.ClassSent, domain.ClassPermanent, domain.ClassOptedOut, domain.ClassSender, domain.ClassUnroutable:
		return Healthy
	case domain.ClassProviderWide:
		return Down
	case domain.ClassNotSent:
		if httpStatus >= 400 && httpStatus < 500 {
			return Healthy
		}
		return Failing
	case domain.ClassInDoubt:
		if cause == "canceled" || cause == "crash" {
			return Silent
		}
		return Failing
	}
	return Silent
}
