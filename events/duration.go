package events

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is stored in Go's notation: "30s", "5m0s".
type Duration time.Duration

// MarshalText returns Go's notation.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's notation.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("reading duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}
