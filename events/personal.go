package events

import (
	"fmt"
	"io"
	"log/slog"
)

// Personal is a phone number or the text of a message. Printing or logging it
// shows "[personal]"; only string(p) and its JSON, which is the stored form,
// reveal it. A field of this type is what the codec knows as personal.
type Personal string

// Format writes "[personal]" for every verb.
func (p Personal) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// String returns "[personal]".
func (p Personal) String() string { return "[personal]" }

// LogValue returns "[personal]".
func (p Personal) LogValue() slog.Value { return slog.StringValue(p.String()) }
