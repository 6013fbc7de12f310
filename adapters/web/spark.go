package web

import "time"

// sparkBars is how many hours a sparkline shows.
const sparkBars = 24

// bar is an hour of a sparkline, as a rectangle of a drawing sparkHeight high.
type bar struct{ X, Y, Height int }

const sparkHeight = 20

// spark counts times by hour, over the last day.
func spark(now time.Time, times []time.Time) []bar {
	counts, most := [sparkBars]int{}, 1
	for _, t := range times {
		if hours := int(now.Sub(t) / time.Hour); hours >= 0 && hours < sparkBars {
			i := sparkBars - 1 - hours
			counts[i]++
			most = max(most, counts[i])
		}
	}
	var bars []bar
	for i, n := range counts {
		if n > 0 {
			height := max(2, n*sparkHeight/most)
			bars = append(bars, bar{X: i * 4, Y: sparkHeight - height, Height: height})
		}
	}
	return bars
}
