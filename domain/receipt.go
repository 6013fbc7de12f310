package domain

import (
	"maps"

	"github.com/pro-sms/prosms/events"
)

// receive takes a provider's later word. It never moves a message backwards; it
// may prove that an attempt which seemed lost was sent.
func (m Message) receive(c Receipt) []events.Event {
	attempt := c.Attempt
	if attempt == 0 {
		attempt = m.Attempt
	}
	switch {
	case attempt < m.Attempt:
		return m.duplicateSend(attempt, c.ProviderMessageID, c.ProviderStatus, c.ErrorCode)
	case attempt > m.Attempt:
		return m.ignore(c.ProviderMessageID, c.ProviderStatus, c.ErrorCode, "unknown_attempt")
	}
	switch {
	case m.Status == Dispatching:
		return append([]events.Event{events.MessageDispatched{
			Attempt: attempt, Provider: m.Provider,
			ProviderMessageID: c.ProviderMessageID, ProviderStatus: c.ProviderStatus,
		}}, c.final()...)
	case m.unresolved():
		return append([]events.Event{events.MessageReconciled{
			Attempt: attempt, Outcome: OutcomeSent, ProviderMessageID: c.ProviderMessageID, Evidence: "receipt",
		}}, c.final()...)
	case m.Status == Dispatched && m.ProviderMessageID == c.ProviderMessageID:
		return c.final()
	case m.Status == Dispatched:
		return m.ignore(c.ProviderMessageID, c.ProviderStatus, c.ErrorCode, "other_provider_message")
	}
	return m.ignore(c.ProviderMessageID, c.ProviderStatus, c.ErrorCode, "final")
}

func (c Receipt) final() []events.Event {
	switch c.Result {
	case ReceiptDelivered:
		return []events.Event{events.MessageDelivered{ProviderStatus: c.ProviderStatus, At: c.At}}
	case ReceiptUndelivered:
		return []events.Event{events.MessageUndelivered{ProviderStatus: c.ProviderStatus, ErrorCode: c.ErrorCode, At: c.At}}
	}
	return nil
}

// duplicateSend notes proof that an attempt was sent after a later one was made.
func (m Message) duplicateSend(attempt int, providerMessageID, status, code string) []events.Event {
	if attempt < 1 || attempt > m.Attempt {
		return m.ignore(providerMessageID, status, code, "unknown_attempt")
	}
	return m.ignore(providerMessageID, status, code, "duplicate_send")
}

// ignore records each distinct receipt once, so that repeats cannot grow a stream.
func (m Message) ignore(providerMessageID, status, code, reason string) []events.Event {
	e := events.MessageReceiptIgnored{
		ProviderStatus: status, ProviderMessageID: providerMessageID, ErrorCode: code, Reason: reason,
	}
	if m.ignored[ignoredKey(e)] {
		return nil
	}
	return []events.Event{e}
}

func (m Message) evolveIgnored(e events.MessageReceiptIgnored) Message {
	m.ignored = maps.Clone(m.ignored)
	if m.ignored == nil {
		m.ignored = map[string]bool{}
	}
	m.ignored[ignoredKey(e)] = true
	return m
}

func ignoredKey(e events.MessageReceiptIgnored) string {
	return e.ProviderMessageID + " " + e.ProviderStatus + " " + e.ErrorCode
}
