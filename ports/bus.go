package ports

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// Bus carries frames. Its contract is Watermill's, with two promises more:
// Publish returns nil only when the broker has confirmed, or in process when a
// consumer has taken responsibility for, every message; and what was neither
// acked nor nacked when a subscriber went away is delivered again.
type Bus interface {
	message.Publisher
	message.Subscriber

	// Depth returns how many messages wait in a topic's queue. It is for
	// decisions that may be wrong for a moment, and for metrics.
	Depth(ctx context.Context, topic string) (int, error)
}

// Topics of the bus.
const (
	TopicEvents     = "sms.events"    // every event, in frames by position
	TopicDeadLetter = "sms.dlq"       // what could not be delivered to a consumer
	TopicDispatch   = "sms.dispatch." // and a lane: work for the dispatcher
	TopicRetry      = "sms.retry."    // and a delay in seconds, "30s"
	HeaderLane      = "lane"          // metadata of a message published to TopicRetry
)

// DispatchTopic returns the topic of a lane.
func DispatchTopic(lane domain.Lane) string { return TopicDispatch + string(lane) }

// RetryTopic returns the topic that holds its messages for delay (whole seconds)
// and then hands them to the lane named in HeaderLane.
func RetryTopic(delay time.Duration) string {
	return fmt.Sprintf("%s%ds", TopicRetry, int(delay.Seconds()))
}

// Work asks for one attempt at one message.
type Work struct {
	MessageID string `json:"m"`
	Attempt   int    `json:"a"` // the coming one
}

// WorkFrame is the payload of dispatch and retry topics.
type WorkFrame struct {
	Work []Work `json:"work"`
}

// EventFrame is the payload of TopicEvents: all events from First to Last.
type EventFrame struct {
	First  int64             `json:"first"`
	Last   int64             `json:"last"`
	Events []events.Recorded `json:"events"`
}

// Of reports whether f is of the log in store: a broker may still hold frames of
// another that had its queues before, or of this one as it was before it was
// restored from a backup, and positions fit any log. The digest of an event covers
// its position and time, so that no two logs share one where they differ.
func (f EventFrame) Of(ctx context.Context, store EventStore) (bool, error) {
	if len(f.Events) == 0 {
		return false, nil
	}
	last := f.Events[len(f.Events)-1]
	recorded, err := store.Read(ctx, last.Position-1, 1)
	if err != nil {
		return false, fmt.Errorf("looking for event %d: %w", last.Position, err)
	}
	return len(recorded) == 1 && recorded[0].Digest == last.Digest, nil
}

// DecodeWork reads a WorkFrame. Errors quote nothing of the payload.
func DecodeWork(payload []byte) (WorkFrame, error) {
	var f WorkFrame
	if err := json.Unmarshal(payload, &f); err != nil || len(f.Work) == 0 {
		return WorkFrame{}, fmt.Errorf("decoding work frame of %d bytes: malformed", len(payload))
	}
	return f, nil
}

// DecodeEvents reads an EventFrame and checks that it is whole. Where types are
// named, only events of those types are decoded and stand in Events.
func DecodeEvents(payload []byte, types ...string) (EventFrame, error) {
	var raw struct {
		First  int64             `json:"first"`
		Last   int64             `json:"last"`
		Events []events.Envelope `json:"events"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return EventFrame{}, fmt.Errorf("decoding event frame of %d bytes: malformed", len(payload))
	}
	n := int64(len(raw.Events))
	whole := n > 0 && raw.First > 0 && raw.Last-raw.First+1 == n
	for i, e := range raw.Events {
		whole = whole && e.Position == raw.First+int64(i)
	}
	if !whole {
		return EventFrame{}, fmt.Errorf("decoding event frame %d to %d: %d events", raw.First, raw.Last, n)
	}
	f := EventFrame{First: raw.First, Last: raw.Last, Events: make([]events.Recorded, 0, len(raw.Events))}
	for _, envelope := range raw.Events {
		if len(types) > 0 && !slices.Contains(types, envelope.Type) {
			continue
		}
		recorded, err := envelope.Recorded()
		if err != nil {
			return EventFrame{}, fmt.Errorf("decoding event frame %d to %d: %w", raw.First, raw.Last, err)
		}
		f.Events = append(f.Events, recorded)
	}
	return f, nil
}
