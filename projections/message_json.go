package projections

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/events"
)

// A row of a message is written more often than anything else. appendJSON is
// json.Marshal in a quarter of its time (BenchmarkMessageJSON), byte for byte the same.
func (m Message) appendJSON(b []byte) ([]byte, error) {
	b = events.AppendText(append(b, `{"id":`...), m.ID)
	b = events.AppendText(append(b, `,"status":`...), m.Status)
	b = events.AppendText(append(b, `,"to":`...), m.To)
	b = appendOptional(b, `,"from":`, m.From)
	b = events.AppendText(append(b, `,"body":`...), m.Body)
	b = events.AppendText(append(b, `,"encoding":`...), m.Encoding)
	b = strconv.AppendInt(append(b, `,"segments":`...), int64(m.Segments), 10)
	b = events.AppendText(append(b, `,"lane":`...), m.Lane)
	b = events.AppendText(append(b, `,"kind":`...), m.Kind)
	b = appendOptional(b, `,"reference":`, m.Reference)
	if len(m.Metadata) > 0 {
		metadata, err := json.Marshal(m.Metadata)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"metadata":`...), metadata...)
	}
	b = appendOptional(b, `,"callback_url":`, m.CallbackURL)
	b = appendAttempts(append(b, `,"attempts":`...), m.Attempts)
	b = appendOptional(b, `,"provider":`, m.Provider)
	b = appendOptional(b, `,"provider_message_id":`, m.ProviderMessageID)
	b = m.LastError.appendJSON(append(b, `,"last_error":`...))
	b = appendTime(b, `,"created_at":`, &m.CreatedAt)
	b = appendTime(b, `,"updated_at":`, &m.UpdatedAt)
	b = appendTime(b, `,"send_at":`, m.SendAt)
	b = appendTime(b, `,"expires_at":`, m.ExpiresAt)
	b = appendTime(b, `,"due_at":`, m.DueAt)
	b = strconv.AppendInt(append(b, `,"version":`...), int64(m.Version), 10)
	b = events.AppendText(append(b, `,"tenant":`...), m.Tenant)
	b = events.AppendText(append(b, `,"consent":`...), m.Consent)
	if m.Test {
		b = append(b, `,"test":true`...)
	}
	return append(appendTime(b, `,"since":`, &m.Since), '}'), nil
}

func appendAttempts(b []byte, attempts []Attempt) []byte {
	if attempts == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, a := range attempts {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"attempt":`...), int64(a.Attempt), 10)
		b = events.AppendText(append(b, `,"provider":`...), a.Provider)
		b = events.AppendText(append(b, `,"outcome":`...), a.Outcome)
		b = appendOptional(b, `,"provider_message_id":`, a.ProviderMessageID)
		b = appendOptional(b, `,"class":`, a.Class)
		b = appendOptional(b, `,"code":`, a.Code)
		b = appendOptional(b, `,"detail":`, a.Detail)
		b = appendTime(b, `,"started_at":`, &a.StartedAt)
		b = append(appendTime(b, `,"finished_at":`, a.FinishedAt), '}')
	}
	return append(b, ']')
}

func (l *LastError) appendJSON(b []byte) []byte {
	if l == nil {
		return append(b, "null"...)
	}
	b = events.AppendText(append(b, `{"class":`...), l.Class)
	b = appendOptional(b, `,"code":`, l.Code)
	b = appendOptional(b, `,"detail":`, l.Detail)
	return append(appendTime(b, `,"at":`, &l.At), '}')
}

// appendTime appends a member, unless there is no time.
func appendTime(b []byte, name string, t *time.Time) []byte {
	if t == nil {
		return b
	}
	return append(t.AppendFormat(append(append(b, name...), '"'), time.RFC3339Nano), '"')
}

// appendOptional appends a member, unless it is empty.
func appendOptional(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return events.AppendText(append(b, name...), s)
}
