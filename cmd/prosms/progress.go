package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells how far a walk through the log has come: as a bar that moves where
// somebody watches a terminal, else as a line every two seconds at most.
type progress struct {
	out   io.Writer
	what  string
	to    int64 // the last position, as far as it is known
	start time.Time
	from  int64 // where this run began
	last  int64 // up to where everything is done
	told  time.Time
	form  progressForm
	width int // of the bar that stands on the terminal; 0: none does
}

// progressForm is how progress is written.
type progressForm int

const (
	progressLines progressForm = iota
	progressBar
	progressJSON
)

// newProgress writes a bar to a terminal, and lines to anything else.
func newProgress(out io.Writer, what string, from, to int64) *progress {
	form := progressLines
	if isTerminal(out) {
		form = progressBar
	}
	now := time.Now()
	return &progress{out: out, what: what, to: to, start: now, from: from, last: from, told: now, form: form}
}

// isTerminal reports whether what is written to out is seen as it is written.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull
}

// at says that everything up to a position is done.
func (p *progress) at(position int64) {
	p.last = position
	pause := 2 * time.Second
	if p.form == progressBar {
		pause = 100 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(p.told) < pause {
		return
	}
	p.told = now
	p.tell()
}

// end tells where the walk has ended: a bar that was drawn stands then on a line of
// its own. Lines say it themselves.
func (p *progress) end() {
	switch {
	case p.form == progressJSON:
		p.tell()
	case p.width > 0:
		p.tell()
		fmt.Fprintln(p.out)
		p.width = 0
	}
}

// progressLine is what a program that watches is told.
type progressLine struct {
	What            string   `json:"what"`
	Position        int64    `json:"position"`
	To              int64    `json:"to"`
	EventsPerSecond float64  `json:"events_per_second"`
	SecondsLeft     *float64 `json:"seconds_left"` // null: not known
}

func (p *progress) tell() {
	position := p.last
	rate := p.rate(position)
	to := max(p.to, position) // the log grows meanwhile
	left, seconds := "?", (*float64)(nil)
	if rate > 0 {
		s := float64(int64(float64(to-position) / rate))
		left, seconds = (time.Duration(s) * time.Second).String(), &s
	}
	switch p.form {
	case progressJSON:
		_ = json.NewEncoder(p.out).Encode(progressLine{p.what, position, to, float64(int64(rate)), seconds})
	case progressBar:
		line := fmt.Sprintf("%s %s %3d %%  %d of %d events, %.0f/s, %s left", p.what, bar(position, to), percent(position, to), position, to, rate, left)
		fmt.Fprint(p.out, "\r", line, strings.Repeat(" ", max(0, p.width-len(line))))
		p.width = len(line)
	default:
		fmt.Fprintf(p.out, "%s: %d of %d events, %.0f/s, %s left\n", p.what, position, to, rate, left)
	}
}

// bar draws which part of to is done.
func bar(position, to int64) string {
	const width = 24
	done := int(percent(position, to)) * width / 100
	return "[" + strings.Repeat("#", done) + strings.Repeat(".", width-done) + "]"
}

func percent(position, to int64) int64 {
	if to <= 0 {
		return 100
	}
	return int64(float64(position) / float64(to) * 100)
}

// rate is the number of events a second since the start.
func (p *progress) rate(position int64) float64 {
	return float64(position-p.from) / max(time.Since(p.start).Seconds(), 1e-9)
}
