package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells how far a walk through the log has come, every two seconds at most.
type progress struct {
	out   io.Writer
	what  string
	to    int64 // the last position, as far as it is known
	start time.Time
	from  int64 // where this run began
	told  time.Time
}

func newProgress(out io.Writer, what string, from, to int64) *progress {
	now := time.Now()
	return &progress{out: out, what: what, to: to, start: now, from: from, told: now}
}

// at says that everything up to a position is done.
func (p *progress) at(position int64) {
	now := time.Now()
	if now.Sub(p.told) < 2*time.Second {
		return
	}
	p.told = now
	rate := p.rate(position)
	left := "?"
	if rate > 0 {
		left = (time.Duration(float64(max(0, p.to-position))/rate) * time.Second).String()
	}
	fmt.Fprintf(p.out, "%s: %d of %d events, %.0f/s, %s left\n", p.what, position, p.to, rate, left)
}

// rate is the number of events a second since the start.
func (p *progress) rate(position int64) float64 {
	return float64(position-p.from) / max(time.Since(p.start).Seconds(), 1e-9)
}
