package ports

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/pro-sms/prosms/events"
)

// EventFrame is the payload of TopicEvents: all events from First to Last.
type EventFrame struct {
	First  int64             `json:"first"`
	Last   int64             `json:"last"`
	Events []events.Recorded `json:"events"`

	parts []events.Envelope // the last of each frame that it was merged of; none: it was not
}

// Of reports whether f is of the log in store: a broker may still hold frames of
// another that had its queues before, or of this one as it was before it was
// restored from a backup, and positions fit any log. The digest of an event covers
// its position and time, so that no two logs share one where they differ.
func (f EventFrame) Of(ctx context.Context, store EventStore) (bool, error) {
	if len(f.Events) == 0 {
		return false, nil
	}
	if len(f.parts) > 0 {
		return f.ofParts(ctx, store)
	}
	last := f.Events[len(f.Events)-1]
	recorded, err := store.Read(ctx, last.Position-1, 1)
	if err != nil && !errors.Is(err, events.ErrUnreadable) { // its digest is there all the same
		return false, fmt.Errorf("looking for event %d: %w", last.Position, err)
	}
	return len(recorded) == 1 && recorded[0].Digest == last.Digest, nil
}

// MarshalJSON writes f as DecodeEvents reads it quickest.
func (f EventFrame) MarshalJSON() ([]byte, error) { return f.Encode(), nil }

// Encode returns what MarshalJSON writes. encoding/json would go over each byte of it
// twice more.
func (f EventFrame) Encode() []byte {
	size := 64
	for _, e := range f.Events {
		size += 300 + len(e.RawData) + len(e.RawMeta) // the former for all else
	}
	b := strconv.AppendInt(append(make([]byte, 0, size), `{"first":`...), f.First, 10)
	b = strconv.AppendInt(append(b, `,"last":`...), f.Last, 10)
	b = append(b, `,"events":[`...)
	for i, e := range f.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.AppendJSON(b)
	}
	return append(b, `]}`...)
}

// sealedFrame is an EventFrame whose events are not decoded yet.
type sealedFrame struct {
	First  int64             `json:"first"`
	Last   int64             `json:"last"`
	Events []events.Envelope `json:"events"`
	Parts  []int64           `json:"parts,omitempty"` // the positions at which merged frames end
}

// DecodeEvents reads an EventFrame and checks that it is whole. Where types are
// named, only events of those types are decoded and stand in Events. What is
// decoded shares the memory of payload. A frame with events that cannot be read comes
// with an error that wraps events.ErrUnreadable, as from an EventStore; of a frame
// that is malformed, ErrMalformed, only First and Last are known, or not even those.
func DecodeEvents(payload []byte, types ...string) (EventFrame, error) {
	sealed, ok := scanFrame(payload)
	if !ok {
		sealed = sealedFrame{}
		if err := json.Unmarshal(payload, &sealed); err != nil {
			first, last := scanPlace(payload)
			return EventFrame{First: first, Last: last}, fmt.Errorf("decoding event frame of %d bytes: %w", len(payload), ErrMalformed)
		}
	}
	n := int64(len(sealed.Events))
	whole := n > 0 && sealed.First > 0 && sealed.Last-sealed.First+1 == n
	for i, e := range sealed.Events {
		whole = whole && e.Position == sealed.First+int64(i)
	}
	if !whole {
		return EventFrame{}, fmt.Errorf("decoding event frame %d to %d: %d events: %w", sealed.First, sealed.Last, n, ErrMalformed)
	}
	f := EventFrame{First: sealed.First, Last: sealed.Last}
	if len(types) == 0 {
		f.Events = make([]events.Recorded, 0, len(sealed.Events))
	}
	for i, end := range sealed.Parts {
		if end < sealed.First || end > sealed.Last || i == len(sealed.Parts)-1 && end != sealed.Last {
			return EventFrame{}, fmt.Errorf("decoding event frame %d to %d: a part ends at %d: %w", sealed.First, sealed.Last, end, ErrMalformed)
		}
		f.parts = append(f.parts, sealed.Events[end-sealed.First])
	}
	var unreadable error
	for _, envelope := range sealed.Events {
		if len(types) > 0 && !slices.Contains(types, envelope.Type) {
			continue
		}
		recorded, err := envelope.Recorded()
		if err != nil {
			err = fmt.Errorf("decoding event frame %d to %d: %w", sealed.First, sealed.Last, err)
		}
		if err != nil && !errors.Is(err, events.ErrUnreadable) {
			return EventFrame{First: sealed.First, Last: sealed.Last}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		unreadable = cmp.Or(unreadable, err)
		f.Events = append(f.Events, recorded)
	}
	return f, unreadable
}
