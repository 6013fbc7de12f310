package events

import (
	"fmt"
	"io"
	"log/slog"
)

// Personal is a phone number or the text of a message. Printing or logging it
// shows "[personal]"; only string(p) and its JSON, which is the stored form,
// reveal it. A field of this type is what the codec knows as personal.
//
// Two traps: fmt does not ask the values of unexported fields how to print them,
// and slog's JSON handler logs a struct by its JSON. So keep it in exported fields,
// and give a struct that may be logged a LogValue.
type Personal string

// Format writes "[personal]" for every verb.
func (p Personal) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// String returns "[personal]".
func (p Personal) String() string { return "[personal]" }

// LogValue returns "[personal]".
func (p Personal) LogValue() slog.Value { return slog.StringValue(p.String()) }

// The events that hold something personal are logged as they are printed.

// LogValue returns e as fmt prints it.
func (e MessageAccepted) LogValue() slog.Value { return printed(e) }

// LogValue returns e as fmt prints it.
func (e ConsentOptedOut) LogValue() slog.Value { return printed(e) }

// LogValue returns e as fmt prints it.
func (e ConsentOptedIn) LogValue() slog.Value { return printed(e) }

// LogValue returns e as fmt prints it.
func (e InboundReceived) LogValue() slog.Value { return printed(e) }

// LogValue returns r as fmt prints it.
func (r Recorded) LogValue() slog.Value { return printed(r) }

// Format writes what r says without its raw bytes, which reveal everything, for
// every verb.
func (r Recorded) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s at %d, version %d of %s: %+v", r.Type, r.Position, r.Version, r.StreamID, r.Data)
}

func printed(v any) slog.Value { return slog.StringValue(fmt.Sprintf("%+v", v)) }
