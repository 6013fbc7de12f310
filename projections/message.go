package projections

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Message is a row of the messages view and the message that the API shows.
type Message struct {
	ID                string            `json:"id"`
	Status            string            `json:"status"`
	To                string            `json:"to"`
	From              string            `json:"from,omitempty"`
	Body              string            `json:"body"`
	Encoding          string            `json:"encoding"`
	Segments          int               `json:"segments"`
	Lane              string            `json:"lane"`
	Kind              string            `json:"kind"`
	Reference         string            `json:"reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	CallbackURL       string            `json:"callback_url,omitempty"`
	Attempts          []Attempt         `json:"attempts"`
	Provider          string            `json:"provider,omitempty"`
	ProviderMessageID string            `json:"provider_message_id,omitempty"`
	LastError         *LastError        `json:"last_error"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
	SendAt            *time.Time        `json:"send_at,omitempty"`
	ExpiresAt         *time.Time        `json:"expires_at,omitempty"`
	DueAt             *time.Time        `json:"due_at,omitempty"` // of the next attempt
	Version           int               `json:"version"`

	Tenant  string    `json:"tenant"`
	Consent string    `json:"consent"` // stream of the recipient's consent: stands for the number in look-ups
	Test    bool      `json:"test,omitempty"`
	Since   time.Time `json:"since"` // when it reached its status
}

// Attempt is one try at sending a message.
type Attempt struct {
	Attempt           int        `json:"attempt"`
	Provider          string     `json:"provider"`
	Outcome           string     `json:"outcome"` // "pending", "sent", "failed", "in_doubt", "not_sent", "unknown"
	ProviderMessageID string     `json:"provider_message_id,omitempty"`
	Class             string     `json:"class,omitempty"`
	Code              string     `json:"code,omitempty"`
	Detail            string     `json:"detail,omitempty"`
	StartedAt         time.Time  `json:"started_at"`
	FinishedAt        *time.Time `json:"finished_at,omitempty"`
}

// LastError is the latest failure of a message.
type LastError struct {
	Class  string    `json:"class"`
	Code   string    `json:"code,omitempty"`
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at"`
}

// messagesView is the table behind the list of messages and the scheduler.
var messagesView = ports.View{
	Name:    "messages",
	Columns: []string{"tenant", "status", "lane", "recipient", "reference", "provider_message_id", "created_at", "updated_at", "due_at", "error"},
}

// Messages is the projection of messages.
func Messages() Projection {
	messages := project("messages", messagesView,
		func(e events.Recorded) string {
			if strings.HasPrefix(e.Type, "message.") {
				return e.StreamID
			}
			return ""
		},
		func(m Message) []any {
			return []any{m.Tenant, m.Status, m.Lane, m.Consent, orNull(m.Reference), orNull(m.ProviderMessageID), m.CreatedAt, m.UpdatedAt, m.attentionAt(), m.failure()}
		})
	messages.perStream = true
	return messages
}

// failure is the error column: the code of the last failure, or else its class.
func (m Message) failure() any {
	if m.LastError == nil {
		return nil
	}
	return orNull(cmp.Or(m.LastError.Code, m.LastError.Class))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// attentionAt is the due_at column: since when, or from when on, the scheduler
// has to see to the message in its present status.
func (m Message) attentionAt() any {
	switch m.Status {
	case "scheduled", "retrying":
		if m.DueAt != nil {
			return *m.DueAt
		}
	case "accepted", "dispatching", "in_doubt", "dispatched":
		return m.Since
	}
	return nil
}

// Apply returns the message after e.
func (m Message) Apply(e events.Recorded) Message {
	before := m.Status
	switch d := e.Data.(type) {
	case events.MessageAccepted:
		m = accepted(e, d)
	case events.MessageDeferred:
		m.Status, m.DueAt = "scheduled", &d.Until
	case events.MessageAttempted:
		m.Status, m.Provider, m.DueAt = "dispatching", d.Provider, nil
		m.Attempts = append(slices.Clip(m.Attempts), Attempt{ // in a copy, as in finish
			Attempt: d.Attempt, Provider: d.Provider, Outcome: "pending", StartedAt: e.RecordedAt,
		})
	case events.MessageDispatched:
		m.Status, m.ProviderMessageID = "dispatched", d.ProviderMessageID
		m = m.finish(d.Attempt, e.RecordedAt, Attempt{Outcome: "sent", ProviderMessageID: d.ProviderMessageID})
	case events.MessageFailed:
		m = m.finish(d.Attempt, e.RecordedAt, Attempt{Outcome: "failed", Class: d.Class, Code: d.Code, Detail: d.Detail})
		m.LastError = &LastError{Class: d.Class, Code: d.Code, Detail: d.Detail, At: e.RecordedAt}
	case events.MessageRetried:
		m.Status, m.DueAt = "retrying", &d.DueAt
	case events.MessageInDoubt:
		m.Status = "in_doubt"
		m = m.finish(d.Attempt, e.RecordedAt, Attempt{Outcome: "in_doubt", Class: "in_doubt", Detail: d.Cause})
		m.LastError = &LastError{Class: "in_doubt", Detail: d.Cause, At: e.RecordedAt}
	case events.MessageReconciled:
		m = m.reconciled(e, d)
	case events.MessageDeadLettered:
		m.Status = "dead_lettered"
	case events.MessageRedriven:
		m.Status = "accepted"
	case events.MessageOptedOut:
		m.Status = "opted_out"
	case events.MessageDelivered:
		m.Status = "delivered"
	case events.MessageUndelivered:
		m.Status = "undelivered"
		m.LastError = &LastError{Class: "undelivered", Code: d.ErrorCode, At: e.RecordedAt}
	case events.MessageCanceled:
		m.Status = "canceled"
	case events.MessageExpired:
		m.Status = "expired"
	}
	if m.Status != before {
		m.Since = e.RecordedAt
		if m.Status != "scheduled" && m.Status != "retrying" {
			m.DueAt = nil
		}
	}
	m.Version, m.UpdatedAt = e.Version, e.RecordedAt
	return m
}

func accepted(e events.Recorded, d events.MessageAccepted) Message {
	m := Message{
		ID: e.StreamID, Status: "accepted", To: string(d.To), From: string(d.From), Body: string(d.Body),
		Encoding: d.Encoding, Segments: d.Segments, Lane: d.Lane, Kind: d.Kind,
		Reference: d.Reference, Metadata: d.Metadata, CallbackURL: d.CallbackURL,
		Attempts: []Attempt{}, CreatedAt: e.RecordedAt, SendAt: d.SendAt, ExpiresAt: d.ExpiresAt,
		Tenant: e.Meta.Tenant, Consent: d.Consent, Test: d.Test,
	}
	if d.SendAt != nil {
		m.Status, m.DueAt = "scheduled", d.SendAt
	}
	return m
}

func (m Message) reconciled(e events.Recorded, d events.MessageReconciled) Message {
	outcome := Attempt{Outcome: d.Outcome, ProviderMessageID: d.ProviderMessageID}
	if d.Outcome == "sent" {
		m.Status, m.ProviderMessageID = "dispatched", d.ProviderMessageID
		for _, a := range m.Attempts {
			if a.Attempt == d.Attempt {
				m.Provider = a.Provider // not always that of the last attempt
			}
		}
	}
	return m.finish(d.Attempt, e.RecordedAt, outcome)
}

// finish notes what an attempt came to, in a copy of the list.
func (m Message) finish(attempt int, at time.Time, outcome Attempt) Message {
	attempts := make([]Attempt, len(m.Attempts))
	copy(attempts, m.Attempts)
	for i, a := range attempts {
		if a.Attempt == attempt {
			outcome.Attempt, outcome.Provider, outcome.StartedAt, outcome.FinishedAt = a.Attempt, a.Provider, a.StartedAt, &at
			attempts[i] = outcome
		}
	}
	m.Attempts = attempts
	return m
}
