// Package events holds everything that can have happened: the event types, the
// envelope they are recorded in, their codec and the hashes that link them.
// Type names and field names are written into the log and are for ever.
package events

import (
	"encoding/json"
	"errors"
	"time"
)

// Event is one fact. Implementations are plain values whose JSON is their stored form.
type Event interface {
	// EventType is the name written into every row: never renamed, never given
	// a second meaning.
	EventType() string
}

// Meta says on whose behalf and in which chain of causes an event came about.
// It never holds personal data.
type Meta struct {
	Tenant        string `json:"tenant,omitempty"`         // owner of the stream; empty for what belongs to no tenant
	Actor         string `json:"actor,omitempty"`          // who asked: "key:<id>", "provider:twilio", "dispatcher", "operator:<name>"
	CorrelationID string `json:"correlation_id,omitempty"` // the request that everything here follows from
	CausationID   string `json:"causation_id,omitempty"`   // what directly caused it: "<stream>:<version>" or a request id
	TraceParent   string `json:"traceparent,omitempty"`    // W3C Trace Context
	Reason        string `json:"reason,omitempty"`         // why, in the words of the operator who did it
}

// Recorded is an event as the log keeps it. RawData and RawMeta are the stored
// bytes: the digest covers them, so they are forwarded and never re-encoded.
type Recorded struct {
	Position   int64     // place in the whole log: 1..n without gaps, in commit order
	StreamID   string    // the message, consent or key that it is about
	Version    int       // 1..n within the stream
	Type       string    // EventType
	Schema     int       // revision of the payload's shape as it was stored
	Data       Event     // decoded and upcast to today's shape; Unknown for a type this build does not know, Detached for a payload that is elsewhere, Unreadable where it cannot be decoded
	Meta       Meta      //
	RecordedAt time.Time // UTC, microseconds; never decreases along positions
	Digest     Hash      // over all of the above
	RawData    json.RawMessage
	RawMeta    json.RawMessage
	Erased     bool // it was to be unsealed, and a key was gone: Data has Erased in its place
}

// detached is what the log has in the place of a payload that was detached to an
// archive: no event is stored so.
const detached = "null"

// Detached reports whether the payload of r was detached to an archive. All else of
// it is as it was, the digest of what is missing among it.
func (r Recorded) Detached() bool { return string(r.RawData) == detached }

// Detached stands in for an event whose payload is in an archive and no longer in the
// log. Reducers and deciders pass over it: what was detached is a whole stream.
type Detached struct{ Type string }

// EventType returns the stored name.
func (d Detached) EventType() string { return d.Type }

// ErrUnreadable says that an event is stored and cannot be read: its payload is not
// what its type and schema say, or cannot be unsealed for another reason than that its
// key is gone.
var ErrUnreadable = errors.New("cannot be read")

// Unreadable stands in for an event that cannot be read, in what comes along with an
// error that wraps ErrUnreadable. What it says is not known: whoever decides by its
// stream has to let that be.
type Unreadable struct {
	Type string
	Err  error // why; wraps ErrUnreadable
}

// EventType returns the stored name.
func (u Unreadable) EventType() string { return u.Type }

// Unreadable returns why r cannot be read; nil: it can.
func (r Recorded) Unreadable() error {
	u, _ := r.Data.(Unreadable)
	return u.Err
}

// Unknown stands in for an event type of a newer build. Reducers and deciders pass over it.
type Unknown struct{ Type string }

// EventType returns the stored name.
func (u Unknown) EventType() string { return u.Type }
