package domain

import (
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Delivery is what the log says of a delivery to a webhook: only that it was
// replayed. How far it is stands in the queue.
type Delivery struct{ Replays int }

// ReplayDelivery posts a delivery once more.
type ReplayDelivery struct{ Replayed events.WebhookReplayed }

// Decide answers c with events.
func (d Delivery) Decide(c Command) ([]events.Event, error) {
	if c, ok := c.(ReplayDelivery); ok {
		return []events.Event{c.Replayed}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// Evolve returns d after e.
func (d Delivery) Evolve(e events.Event) Delivery {
	if _, ok := e.(events.WebhookReplayed); ok {
		d.Replays++
	}
	return d
}
