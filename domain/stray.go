package domain

import (
	"fmt"
	"slices"

	"github.com/pro-sms/prosms/events"
)

// maxStrays is how many receipts are recorded of one message that nobody knows.
const maxStrays = 8

// Stray is what a provider said of a message that is not known here.
type Stray struct{ said []events.ReceiptUnknown }

// RecordStray records a receipt that no message is known for.
type RecordStray struct{ Receipt events.ReceiptUnknown }

// Decide answers c with events: none for what is recorded, or once there are many.
func (s Stray) Decide(c Command) ([]events.Event, error) {
	stray, ok := c.(RecordStray)
	switch {
	case !ok:
		return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
	case len(s.said) >= maxStrays || slices.Contains(s.said, stray.Receipt):
		return nil, nil
	}
	return []events.Event{stray.Receipt}, nil
}

// Evolve returns s after e.
func (s Stray) Evolve(e events.Event) Stray {
	if e, ok := e.(events.ReceiptUnknown); ok {
		s.said = append(slices.Clip(s.said), e)
	}
	return s
}
