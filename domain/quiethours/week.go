package quiethours

import "time"

// Week is a window for each day, as time.Weekday counts them. The zero value is
// never open.
type Week [7]Window

// within returns the times that are in both weeks.
func (w Week) within(other Week) Week {
	var both Week
	for day := range w {
		both[day] = w[day].within(other[day])
	}
	return both
}

// Next returns the earliest moment, now or later, at which the week is open in
// every one of zones at once. It is false if there is none within Horizon, or
// where no zone is given: what is nowhere has no time of day.
func (w Week) Next(now time.Time, zones []*time.Location) (time.Time, bool) {
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

func (w Week) open(local time.Time) bool {
	minute, day := minuteOf(local), w[local.Weekday()]
	return minute >= day.from && minute < day.to
}

// opening returns when the week opens next after local, which it is not open at, or
// a moment beyond the horizon. Where the clocks are put forward over that moment it
// opens late, by an hour at most, and where they are put back over it the second
// time; never early.
func (w Week) opening(local time.Time) time.Time {
	for day := range 9 {
		at := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, local.Location())
		window := w[at.Weekday()]
		if window == (Window{}) {
			continue
		}
		at = time.Date(local.Year(), local.Month(), local.Day()+day, 0, window.from, 0, 0, local.Location())
		if early := window.from - minuteOf(at); early > 0 {
			at = at.Add(time.Duration(early) * time.Minute)
		}
		if at.After(local) {
			return at
		}
	}
	return local.Add(Horizon + 48*time.Hour)
}

func minuteOf(local time.Time) int { return local.Hour()*60 + local.Minute() }
