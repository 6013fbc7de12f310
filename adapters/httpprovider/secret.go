package httpprovider

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a credential. Printing or logging it shows stars.
type Secret string

// Format writes stars for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue returns stars.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText returns stars.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }
