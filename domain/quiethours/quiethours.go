// Package quiethours tells when a text may go out: within certain hours of the
// recipient's local time. It is pure; zones come in as values.
package quiethours

import (
	"errors"
	"fmt"
	"time"
)

// Window is the time of day in which texts may be sent: from its first minute on,
// until before its last. The zero value is never open.
type Window struct {
	from, to int // minutes after midnight; from < to
}

// ErrWindow says that a text names no window.
var ErrWindow = errors.New("two times of day such as 09:00-20:00, the earlier first, 24:00 at the most")

// Horizon bounds how far ahead Next looks.
const Horizon = 7 * 24 * time.Hour

// Parse reads "09:00-20:00".
func Parse(text string) (Window, error) {
	var h1, m1, h2, m2 int
	if len(text) != len("09:00-20:00") {
		return Window{}, ErrWindow
	}
	if _, err := fmt.Sscanf(text, "%02d:%02d-%02d:%02d", &h1, &m1, &h2, &m2); err != nil {
		return Window{}, ErrWindow
	}
	w := Window{from: h1*60 + m1, to: h2*60 + m2}
	if h1 < 0 || h2 < 0 || m1 < 0 || m2 < 0 || m1 > 59 || m2 > 59 || w.from >= w.to || w.to > 24*60 {
		return Window{}, ErrWindow
	}
	return w, nil
}

// Next returns the earliest moment, now or later, at which the window is open in
// every one of zones at once. It is false if there is none within Horizon, or
// where no zone is given: what is nowhere has no time of day.
func (w Window) Next(now time.Time, zones []*time.Location) (time.Time, bool) {
	if len(zones) == 0 {
		return time.Time{}, false
	}
	at, last := now, now.Add(Horizon)
	for !at.After(last) {
		moved := false
		for _, zone := range zones {
			if !w.open(at.In(zone)) {
				at, moved = w.opening(at.In(zone)), true
			}
		}
		if !moved {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

func (w Window) open(local time.Time) bool {
	minute := minuteOf(local)
	return minute >= w.from && minute < w.to
}

// opening returns when the window opens next after local, which it is not open at.
// Where the clocks are put forward over that moment it opens late, by an hour at
// most, and where they are put back over it the second time; never early.
func (w Window) opening(local time.Time) time.Time {
	for day := 0; ; day++ {
		at := time.Date(local.Year(), local.Month(), local.Day()+day, 0, w.from, 0, 0, local.Location())
		if early := w.from - minuteOf(at); early > 0 {
			at = at.Add(time.Duration(early) * time.Minute)
		}
		if at.After(local) {
			return at
		}
	}
}

func minuteOf(local time.Time) int { return local.Hour()*60 + local.Minute() }
