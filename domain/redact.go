package domain

import (
	"maps"
	"slices"

	"github.com/pro-sms/prosms/events"
)

// What can be taken back at a provider once a text has ended. The record has the
// body in it.
const (
	RedactBody   = "body"
	RedactRecord = "record"
)

// RecordRedaction says what came of asking the provider to keep no longer what it
// calls ID: that it does not, or that it cannot be moved to.
type RecordRedaction struct {
	Provider, ID, What string
	Failed             bool
	Code               string // with Failed: the provider's
	HTTPStatus         int    // with Failed
}

// Unredacted returns what the provider calls those texts of m of which it keeps more
// than it should, whatever was tried before. It is empty until the message was
// delivered or not, or until nobody waits for that any more: before that the provider
// may have to be asked about it.
func (m Message) Unredacted(what string, awaited bool) []string {
	if m.Status != Delivered && m.Status != Undelivered && (awaited || m.Status != Dispatched) {
		return nil
	}
	ids := []string{m.ProviderMessageID}
	if len(slices.Compact(slices.Clone(m.providers))) == 1 { // or else it is not known whose the others are
		ids = append(ids, m.duplicates...)
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		return id == "" || m.redactions[id+" "+RedactRecord] || m.redactions[id+" "+what]
	})
}

// redact records each redaction once, and its failure once.
func (m Message) redact(c RecordRedaction) []events.Event {
	made, tried := m.redactions[c.ID+" "+c.What]
	switch {
	case made, tried && c.Failed:
		return nil
	case c.Failed:
		return []events.Event{events.MessageRedactionFailed{Provider: c.Provider, ProviderMessageID: c.ID, What: c.What, Code: c.Code, HTTPStatus: c.HTTPStatus}}
	}
	return []events.Event{events.MessageRedacted{Provider: c.Provider, ProviderMessageID: c.ID, What: c.What}}
}

func (m Message) evolveRedaction(id, what string, made bool) Message {
	m.redactions = maps.Clone(m.redactions)
	if m.redactions == nil {
		m.redactions = map[string]bool{}
	}
	m.redactions[id+" "+what] = made
	return m
}
