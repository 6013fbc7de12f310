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

// EveryDay is w on each day of the week.
func (w Window) EveryDay() Week {
	return Week{w, w, w, w, w, w, w}
}

// Next is that of the week in which w holds every day.
func (w Window) Next(now time.Time, zones []*time.Location) (time.Time, bool) {
	return w.EveryDay().Next(now, zones)
}

// within returns the time of day that is in both.
func (w Window) within(other Window) Window {
	both := Window{from: max(w.from, other.from), to: min(w.to, other.to)}
	if both.from >= both.to {
		return Window{}
	}
	return both
}
