package sqlite

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 with 6 fractional digits, always: in UTC such times
// sort as text. (Go's RFC3339Nano drops trailing zeros.)
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading time: malformed")
	}
	return t.UTC(), nil
}
