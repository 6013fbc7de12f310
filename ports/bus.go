package ports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
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
	TopicEvents     = "sms.events"         // every event, in frames by position
	TopicDeadLetter = "sms.dlq"            // what could not be delivered to a consumer
	TopicUnreadable = "sms.dlq.unreadable" // what no consumer can read, for somebody to look at: no program consumes it
	TopicDispatch   = "sms.dispatch."      // and a lane: work for the dispatcher
	TopicRetry      = "sms.retry."         // and a delay in seconds, "30s"
	HeaderLane      = "lane"               // metadata of a message published to TopicRetry
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

// ErrMalformed says that a payload is no frame, or one of another version: whoever has
// it can do nothing with it, now or later.
var ErrMalformed = errors.New("malformed frame")

// DecodeWork reads a WorkFrame. Errors wrap ErrMalformed, and quote nothing of the payload.
func DecodeWork(payload []byte) (WorkFrame, error) {
	var f WorkFrame
	if err := json.Unmarshal(payload, &f); err != nil || len(f.Work) == 0 {
		return WorkFrame{}, fmt.Errorf("decoding work frame of %d bytes: %w", len(payload), ErrMalformed)
	}
	return f, nil
}
