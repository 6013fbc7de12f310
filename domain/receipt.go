package domain

import (
	"maps"
	"slices"

	"github.com/pro-sms/prosms/events"
)

// Why a receipt changes nothing.
const (
	ignoredUnknown   = "unknown_attempt"        // no such attempt was made
	ignoredDuplicate = "duplicate_send"         // an earlier attempt was sent as well
	ignoredOther     = "other_provider_message" // the attempt is known as another of the provider's messages
	ignoredFinal     = "final"
)

// receive takes a provider's later word. It never moves a message backwards; it
// may prove that an attempt which seemed lost was sent, and so spares a further one.
func (m Message) receive(c Receipt) []events.Event {
	attempt := c.Attempt
	if attempt == 0 {
		attempt = m.lastBy(c.Provider)
	}
	switch {
	case !m.made(attempt), c.Provider != "" && c.Provider != m.MadeBy(attempt):
		return m.ignore(c.ProviderMessageID, c.ProviderStatus, c.ErrorCode, ignoredUnknown)
	case m.Status == Dispatching && attempt == m.Attempt:
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
	}
	return m.ignore(c.ProviderMessageID, c.ProviderStatus, c.ErrorCode, m.ignoredAs(attempt, c.ProviderMessageID))
}

// made reports whether there was such an attempt.
func (m Message) made(attempt int) bool { return 1 <= attempt && attempt <= m.Attempt }

// MadeBy returns the provider of an attempt, that of the last one for 0, and ""
// where there was none.
func (m Message) MadeBy(attempt int) string {
	if attempt == 0 {
		attempt = m.Attempt
	}
	if attempt < 1 || attempt > len(m.providers) {
		return ""
	}
	return m.providers[attempt-1]
}

// lastBy returns the last attempt of a provider, or of any if it is not named.
func (m Message) lastBy(provider string) int {
	for i := len(m.providers); i > 0; i-- {
		if provider == "" || m.providers[i-1] == provider {
			return i
		}
	}
	return m.Attempt
}

func (c Receipt) final() []events.Event {
	switch c.Result {
	case ReceiptDelivered:
		return []events.Event{events.MessageDelivered{ProviderStatus: c.ProviderStatus, ErrorCode: c.ErrorCode, At: c.At}}
	case ReceiptUndelivered:
		return []events.Event{events.MessageUndelivered{ProviderStatus: c.ProviderStatus, ErrorCode: c.ErrorCode, At: c.At}}
	}
	return nil
}

// ignoredAs says why proof that an attempt was sent changes nothing.
func (m Message) ignoredAs(attempt int, providerMessageID string) string {
	switch {
	case m.ProviderMessageID == providerMessageID:
		return ignoredFinal
	case attempt < m.Attempt:
		return ignoredDuplicate
	case m.Status == Dispatched:
		return ignoredOther
	}
	return ignoredFinal
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
	if e.Reason == ignoredDuplicate && !slices.Contains(m.duplicates, e.ProviderMessageID) {
		m.duplicates = append(slices.Clip(m.duplicates), e.ProviderMessageID)
	}
	return m
}

func ignoredKey(e events.MessageReceiptIgnored) string {
	return e.ProviderMessageID + " " + e.ProviderStatus + " " + e.ErrorCode
}
