package api

import (
	"time"

	"github.com/pro-sms/prosms/projections"
)

// message is a text as clients see it. What is not known is null, never missing.
type message struct {
	ID                string            `json:"id"`
	Status            string            `json:"status"`
	To                string            `json:"to"`
	From              *string           `json:"from"`
	Body              string            `json:"body"`
	Encoding          string            `json:"encoding"`
	Segments          int               `json:"segments"`
	Lane              string            `json:"lane"`
	Kind              string            `json:"kind"`
	Reference         *string           `json:"reference"`
	Metadata          map[string]string `json:"metadata"`
	CallbackURL       *string           `json:"callback_url"`
	Attempts          []attempt         `json:"attempts"`
	Provider          *string           `json:"provider"`
	ProviderMessageID *string           `json:"provider_message_id"`
	LastError         *lastError        `json:"last_error"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
	SendAt            *time.Time        `json:"send_at"`
	ExpiresAt         *time.Time        `json:"expires_at"`
	DueAt             *time.Time        `json:"due_at"`
	Version           int               `json:"version"`
}

// attempt is one try at sending a message.
type attempt struct {
	Attempt           int        `json:"attempt"`
	Provider          string     `json:"provider"`
	Outcome           string     `json:"outcome"`
	ProviderMessageID *string    `json:"provider_message_id"`
	Class             *string    `json:"class"`
	Code              *string    `json:"code"`
	Detail            *string    `json:"detail"`
	StartedAt         time.Time  `json:"started_at"`
	FinishedAt        *time.Time `json:"finished_at"`
}

// lastError is the latest failure of a message.
type lastError struct {
	Class  string    `json:"class"`
	Code   *string   `json:"code"`
	Detail *string   `json:"detail"`
	At     time.Time `json:"at"`
}

// messageOf leaves out what the view keeps for itself.
func messageOf(m projections.Message) message {
	shown := message{
		ID: m.ID, Status: m.Status, To: m.To, From: orNull(m.From), Body: m.Body,
		Encoding: m.Encoding, Segments: m.Segments, Lane: m.Lane, Kind: m.Kind,
		Reference: orNull(m.Reference), Metadata: m.Metadata, CallbackURL: orNull(m.CallbackURL),
		Attempts: make([]attempt, len(m.Attempts)),
		Provider: orNull(m.Provider), ProviderMessageID: orNull(m.ProviderMessageID),
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
		SendAt: m.SendAt, ExpiresAt: m.ExpiresAt, DueAt: m.DueAt, Version: m.Version,
	}
	if shown.Metadata == nil {
		shown.Metadata = map[string]string{}
	}
	for i, tried := range m.Attempts {
		shown.Attempts[i] = attempt{
			Attempt: tried.Attempt, Provider: tried.Provider, Outcome: tried.Outcome,
			ProviderMessageID: orNull(tried.ProviderMessageID),
			Class:             orNull(tried.Class), Code: orNull(tried.Code), Detail: orNull(tried.Detail),
			StartedAt: tried.StartedAt, FinishedAt: tried.FinishedAt,
		}
	}
	if e := m.LastError; e != nil {
		shown.LastError = &lastError{Class: e.Class, Code: orNull(e.Code), Detail: orNull(e.Detail), At: e.At}
	}
	return shown
}
