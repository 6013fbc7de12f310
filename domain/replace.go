package domain

import "github.com/pro-sms/prosms/events"

// Replace puts a dead letter aside for a new message that is sent in its place.
type Replace struct {
	By, Reason     string
	MessageID      string // the new one
	IncludeInDoubt bool   // also where it may have been sent: then both may arrive
}

func (m Message) replace(c Replace) ([]events.Event, error) {
	if _, err := m.redrive(Redrive{IncludeInDoubt: c.IncludeInDoubt}); err != nil {
		return nil, err
	}
	return []events.Event{events.MessageDiscarded{By: c.By, Reason: c.Reason, ReplacedBy: c.MessageID}}, nil
}
