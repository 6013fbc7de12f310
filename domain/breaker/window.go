package breaker

import "time"

// Tally counts calls by how they went.
type Tally struct {
	Good, Bad int
	Run       int // failures since the last success
}

// then returns t followed by u.
func (t Tally) then(u Tally) Tally {
	run := u.Run
	if u.Good == 0 {
		run += t.Run
	}
	return Tally{Good: t.Good + u.Good, Bad: t.Bad + u.Bad, Run: run}
}

// Buckets is how many steps a window slides in.
const Buckets = 60

// Window is a sliding count. Its run of failures goes on across its edges. The
// zero value slides over 60 s.
type Window struct {
	Span    time.Duration
	buckets [Buckets]bucket
	run     int
}

// bucket counts the calls of one step of time.
type bucket struct {
	step      int64 // since 1970
	good, bad int
}

// Add counts t at now.
func (w *Window) Add(now time.Time, t Tally) {
	step := w.step(now)
	b := &w.buckets[step%Buckets]
	if b.step != step {
		*b = bucket{step: step}
	}
	b.good += t.Good
	b.bad += t.Bad
	w.run = Tally{Run: w.run}.then(t).Run
}

// Total returns what was counted in the window that ends at now.
func (w *Window) Total(now time.Time) Tally {
	total, step := Tally{Run: w.run}, w.step(now)
	for _, b := range w.buckets {
		if b.step > step-Buckets && b.step <= step {
			total.Good += b.good
			total.Bad += b.bad
		}
	}
	return total
}

func (w *Window) step(now time.Time) int64 {
	return now.UnixMicro() / Width(w.Span).Microseconds()
}

// Width returns the step of a window of span.
func Width(span time.Duration) time.Duration {
	if span <= 0 {
		span = time.Minute
	}
	return max((span / Buckets).Truncate(time.Microsecond), time.Microsecond)
}
