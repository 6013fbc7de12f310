package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// tries bounds how often a command is decided again because its stream moved.
const tries = 8

// aggregate is a state that decides commands and is folded from events.
type aggregate[S any] interface {
	Decide(domain.Command) ([]events.Event, error)
	Evolve(events.Event) S
}

// stream is an aggregate as loaded: its state and what an append must name.
type stream[S aggregate[S]] struct {
	ID      string
	State   S
	Version int
	Origin  events.Meta // of the first event
	Since   time.Time   // when it began, or is to, or began anew
	Erased  bool        // something personal in it can no longer be read

	Detached int64 // the position of a payload that is in an archive: State is zero then; 0: none
	Unread   bool  // something in it cannot be read: State lacks that, and decides nothing
}

// fold replays recorded events onto the zero state.
func fold[S aggregate[S]](id string, recorded []events.Recorded) stream[S] {
	s := stream[S]{ID: id}
	for i, r := range recorded {
		if i == 0 || s.Unread && s.Origin.Tenant == "" {
			s.Origin = r.Meta
		}
		if i == 0 {
			s.Since = r.RecordedAt
		}
		s.Since = since(s.Since, r)
		s.Erased = s.Erased || r.Erased
		s.Unread = s.Unread || r.Unreadable() != nil
		s.State = s.State.Evolve(r.Data)
		s.Version = r.Version
		if r.Detached() {
			s.Detached = r.Position
		}
	}
	if s.Detached > 0 {
		var none S // whatever is left would tell half of it
		s.State = none
	}
	return s
}

// trace returns the id of the trace that s belongs to, for the log; empty where
// the request that began it named none.
func (s stream[S]) trace() slog.Attr {
	if parts := strings.Split(s.Origin.TraceParent, "-"); len(parts) == 4 {
		return slog.String("trace_id", parts[1])
	}
	return slog.Attr{}
}

// since returns from when on a text is to be sent, for measuring how long it takes:
// what the caller, the law or the fuse put off is no delay of ours.
func since(before time.Time, r events.Recorded) time.Time {
	switch e := r.Data.(type) {
	case events.MessageAccepted:
		if e.SendAt != nil {
			return *e.SendAt
		}
	case events.MessageDeferred:
		if e.Reason == domain.DeferredForHours || e.Reason == domain.DeferredForPrefix {
			return e.Until
		}
	case events.MessageRedriven:
		return r.RecordedAt
	}
	return before
}

// then returns s after its own decision was appended.
func (s stream[S]) then(decided []events.Event, meta events.Meta) stream[S] {
	if s.Version == 0 {
		s.Origin = meta
	}
	for _, e := range decided {
		s.State = s.State.Evolve(e)
	}
	s.Version += len(decided)
	return s
}

// consequence returns the meta of an event that actor adds to s: it stays in
// the chain that began with the stream.
func (s stream[S]) consequence(actor string) events.Meta {
	return events.Meta{
		Tenant: s.Origin.Tenant, Actor: actor,
		CorrelationID: s.Origin.CorrelationID,
		CausationID:   causeOf(s.ID, s.Version),
		TraceParent:   s.Origin.TraceParent,
	}
}

// load returns a stream. One that is Unread comes along with an error that wraps
// events.ErrUnreadable.
func load[S aggregate[S]](ctx context.Context, store ports.EventStore, id string) (stream[S], error) {
	recorded, err := store.Load(ctx, id)
	if err != nil {
		err = fmt.Errorf("loading stream %s: %w", id, err)
	}
	return fold[S](id, recorded), err
}

// loadOwn is load for a caller: what is not theirs, as owns says, does not exist,
// whether or not it can be read.
func loadOwn[S aggregate[S]](ctx context.Context, store ports.EventStore, id string, owns func(stream[S]) bool) (stream[S], error) {
	s, err := load[S](ctx, store, id)
	if fatal(err) == nil && !owns(s) {
		return s, domain.ErrNotFound
	}
	return s, err
}

// decision is what execute is asked to do with a stream.
type decision[S aggregate[S]] func(s stream[S]) (domain.Command, events.Meta, error)

// execute loads a stream, lets it decide and appends the events. When the stream
// moved meanwhile it decides again, at most tries times. It returns the stream
// as it stands afterwards and what was decided last.
func execute[S aggregate[S]](ctx context.Context, store ports.EventStore, id string, ask decision[S]) (stream[S], []events.Event, error) {
	s, err := load[S](ctx, store, id)
	if err != nil {
		return s, nil, err
	}
	return executeOn(ctx, store, s, ask)
}

// executeOn is execute for a stream that was loaded, or written, just before.
func executeOn[S aggregate[S]](ctx context.Context, store ports.EventStore, s stream[S], ask decision[S]) (stream[S], []events.Event, error) {
	for range tries {
		command, meta, err := ask(s)
		if err != nil {
			return s, nil, err
		}
		decided, err := s.State.Decide(command)
		if err != nil || len(decided) == 0 {
			return s, nil, err
		}
		results, err := store.Append(ctx, ports.Write{StreamID: s.ID, Expected: s.Version, Events: decided, Meta: meta})
		if err != nil {
			return s, nil, fmt.Errorf("appending to stream %s: %w", s.ID, err)
		}
		if results[0].Err == nil {
			return s.then(decided, meta), decided, nil
		}
		if !errors.Is(results[0].Err, ports.ErrConflict) {
			return s, nil, fmt.Errorf("appending to stream %s: %w", s.ID, results[0].Err)
		}
		if s, err = load[S](ctx, store, s.ID); err != nil {
			return s, nil, err
		}
	}
	return s, nil, fmt.Errorf("appending to stream %s, %d tries: %w", s.ID, tries, ports.ErrConflict)
}
