package domain

import "time"

// RetrySchedule says when a failed message is tried again.
type RetrySchedule struct {
	Delays []time.Duration // before the 1st, 2nd, … retry; the last holds for all further ones
	Max    int             // retries after the first attempt of a drive
}

// Jitter is the share by which a delay is varied in either direction, so that
// what failed together does not return together.
const Jitter = 0.2

// delay returns the time before delayed retry n (1 for the first), varied by
// chance, which runs from 0 to 1, but never less than atLeast.
func (s RetrySchedule) delay(n int, chance float64, atLeast time.Duration) time.Duration {
	var d time.Duration
	if len(s.Delays) > 0 {
		d = s.Delays[min(n, len(s.Delays))-1]
	}
	d = time.Duration(float64(d) * (1 - Jitter + 2*Jitter*chance))
	return max(d, atLeast)
}
