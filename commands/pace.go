package commands

import "time"

// Bounds of the pause that a throttled call asks for.
const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 30 * time.Second
)

// pace bounds the calls in flight to one provider: half as many, and a pause, for
// each time it says that they come too fast, and one more for every window full
// of calls that it accepts. The zero value has no bound.
type pace struct {
	limit    int // 0: none
	inFlight int
	earned   int       // calls accepted since limit last grew
	slowed   time.Time // when limit was halved
	resume   time.Time // no call before
}

// admit takes a place in flight. Otherwise it returns when to ask again; zero:
// when a call has returned.
func (p *pace) admit(now time.Time) (again time.Time, ok bool) {
	switch {
	case now.Before(p.resume):
		return p.resume, false
	case p.limit > 0 && p.inFlight >= p.limit:
		return time.Time{}, false
	}
	p.inFlight++
	return time.Time{}, true
}

// leave gives the place of a call back that was never made.
func (p *pace) leave() { p.inFlight-- }

// returned takes the end of a call that began at began. Calls that were under
// way when the pace was slowed do not slow it again.
func (p *pace) returned(began, now time.Time, throttled bool, retryAfter time.Duration, most int) {
	flying := p.inFlight
	p.inFlight--
	switch {
	case throttled:
		p.resume = later(p.resume, now.Add(min(max(retryAfter, shortestPause), longestPause)))
		if !began.Before(p.slowed) {
			if p.limit == 0 {
				p.limit = min(flying, most)
			}
			p.limit, p.earned, p.slowed = max(1, p.limit/2), 0, now
		}
	case p.limit > 0:
		if p.earned++; p.earned >= p.limit {
			p.limit, p.earned = p.limit+1, 0
		}
		if p.limit >= most {
			p.limit = 0
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
