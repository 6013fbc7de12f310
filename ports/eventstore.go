// Package ports holds the contracts between the application and its technologies.
// Each has a conformance suite in porttest and at least two implementations.
package ports

import (
	"context"
	"errors"
	"time"

	"github.com/pro-sms/prosms/events"
)

// ErrConflict says that a stream has moved since it was loaded: load and decide again.
var ErrConflict = errors.New("stream has moved")

// ErrUnavailable says that a store, bus or cache cannot be reached just now.
var ErrUnavailable = errors.New("unavailable")

// EventStore keeps every event: many short streams, one order over all of them.
// It is safe for concurrent use and obeys the laws in porttest.EventStore.
//
// What cannot be read keeps nothing else from being read: what Load, LoadMany and Read
// return along with an error that wraps events.ErrUnreadable is complete, with an
// events.Unreadable in the place of each such event.
type EventStore interface {
	// Load returns a stream, oldest event first. An unknown stream is empty.
	Load(ctx context.Context, streamID string) ([]events.Recorded, error)

	// LoadMany returns the streams that exist among streamIDs, by id.
	LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error)

	// Append commits each write whole or not at all, all accepted ones in one
	// commit, and returns one result per write, in order, once they are durable.
	// A write is refused alone, its result wrapping ErrConflict, if its stream
	// or one that it requires is not at the version named, or is written by an
	// earlier write of the same call, or if one of its keys differs from what the
	// keyring has under its name, or an earlier write of the call brings. After an
	// error of Append itself the outcome is unknown: load again before trying again.
	Append(ctx context.Context, writes ...Write) ([]Result, error)

	// Read returns up to limit events after position, in commit order, without gaps.
	Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error)

	// Commits returns up to limit commits that end after position, in order.
	Commits(ctx context.Context, position int64, limit int) ([]Commit, error)

	// Head returns the last commit; the zero Commit when the log is empty.
	Head(ctx context.Context) (Commit, error)

	// Changed returns a channel that is closed when the log has probably grown
	// since the call. It is a hint, which may come late or for nothing: poll as
	// well, once a second at the least.
	Changed() <-chan struct{}
}

// Write asks for events to be appended to one stream.
type Write struct {
	StreamID string
	Expected int            // version that the stream must be at; 0: it must not exist
	Events   []events.Event // one or more
	Meta     events.Meta
	Requires []Require // streams that the decision depends on
	Keys     []Key     // that the keyring is to have, kept in the same commit
}

// Require names the version at which a stream was read.
type Require struct {
	StreamID string
	Version  int
}

// Result is what came of a Write.
type Result struct {
	Err           error // nil, or wraps ErrConflict; then the rest is zero
	FirstPosition int64
	LastPosition  int64
	Version       int       // of the stream, afterwards
	RecordedAt    time.Time // UTC, microseconds
}

// Commit is the hash link over the events that were written together.
type Commit struct {
	FirstPosition int64
	LastPosition  int64
	Link          events.Hash // events.Link over the previous commit's link and the rows' digests
	RecordedAt    time.Time
}
