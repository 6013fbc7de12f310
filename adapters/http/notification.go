package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// notification is the body of a webhook (schema WebhookEvent of the contract).
type notification struct {
	Type      string           `json:"type"`
	Timestamp time.Time        `json:"timestamp"`
	Data      notificationData `json:"data"`
}

type notificationData struct {
	Message message       `json:"message"` // as GET would have answered right after the event
	Event   notifiedEvent `json:"event"`
}

// notifiedEvent leaves out what the log has for itself, and of message.accepted its
// data, since the message says all of that.
type notifiedEvent struct {
	Position int64           `json:"position"`
	Version  int             `json:"version"`
	Data     json.RawMessage `json:"data"`
}

// Notification is the body of the webhook about the last of recorded, which are all
// events of a message up to it. It is the same whenever it is made.
func Notification(recorded []events.Recorded) ([]byte, error) {
	last := recorded[len(recorded)-1]
	told := notification{
		Type: last.Type, Timestamp: last.RecordedAt.UTC(),
		Data: notificationData{
			Message: messageOf(projections.Of[projections.Message](recorded)),
			Event:   notifiedEvent{Position: last.Position, Version: last.Version, Data: last.RawData},
		},
	}
	if _, ok := last.Data.(events.MessageAccepted); ok {
		told.Data.Event.Data = json.RawMessage("{}")
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(told); err != nil {
		return nil, fmt.Errorf("writing the webhook of %s version %d: %w", last.StreamID, last.Version, err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}
