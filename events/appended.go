package events

import (
	"encoding/json"
	"strconv"
)

// What is written most is appended piece by piece, as Scan reads it: three events and a
// Meta for every text (BenchmarkPrepare). The bytes are those of encoding/json, which
// writes all else, and fields that few have.

// encoded returns the JSON of e.
func encoded(e Event) (json.RawMessage, error) {
	switch e := e.(type) {
	case MessageAccepted:
		if e.SendAt == nil && e.ExpiresAt == nil && len(e.Metadata) == 0 && e.TimeZone == "" {
			return appendAccepted(make([]byte, 0, 320+len(e.To)+len(e.From)+len(e.Body)+len(e.CallbackURL)), e), nil
		}
	case MessageAttempted:
		return appendAttempted(make([]byte, 0, 128), e), nil
	case MessageDispatched:
		return appendDispatched(make([]byte, 0, 192), e), nil
	}
	return json.Marshal(e)
}

func appendAccepted(b []byte, e MessageAccepted) []byte {
	b = appendPersonal(append(b, `{"to":`...), e.To)
	if e.From != "" {
		b = appendPersonal(append(b, `,"from":`...), e.From)
	}
	b = appendPersonal(append(b, `,"body":`...), e.Body)
	b = AppendText(append(b, `,"encoding":`...), e.Encoding)
	b = strconv.AppendInt(append(b, `,"segments":`...), int64(e.Segments), 10)
	b = AppendText(append(b, `,"lane":`...), e.Lane)
	b = AppendText(append(b, `,"kind":`...), e.Kind)
	b = appendOptional(b, `,"reference":`, e.Reference)
	b = appendOptional(b, `,"callback_url":`, e.CallbackURL)
	b = AppendText(append(b, `,"consent":`...), e.Consent)
	b = appendOptional(b, `,"fingerprint":`, e.Fingerprint)
	if e.Test {
		b = append(b, `,"test":true`...)
	}
	return append(b, '}')
}

func appendAttempted(b []byte, e MessageAttempted) []byte {
	b = strconv.AppendInt(append(b, `{"attempt":`...), int64(e.Attempt), 10)
	b = AppendText(append(b, `,"attempt_id":`...), e.AttemptID)
	b = AppendText(append(b, `,"provider":`...), e.Provider)
	return append(b, '}')
}

func appendDispatched(b []byte, e MessageDispatched) []byte {
	b = strconv.AppendInt(append(b, `{"attempt":`...), int64(e.Attempt), 10)
	b = AppendText(append(b, `,"provider":`...), e.Provider)
	b = AppendText(append(b, `,"provider_message_id":`...), e.ProviderMessageID)
	b = appendOptional(b, `,"provider_status":`, e.ProviderStatus)
	b = appendOptional(b, `,"provider_request_id":`, e.ProviderRequestID)
	return append(b, '}')
}

// encodedMeta returns the JSON of m.
func encodedMeta(m Meta) (json.RawMessage, error) {
	if m.Tenant == "" || m.Reason != "" {
		return json.Marshal(m)
	}
	b := AppendText(append(make([]byte, 0, 256), `{"tenant":`...), m.Tenant)
	b = appendOptional(b, `,"actor":`, m.Actor)
	b = appendOptional(b, `,"correlation_id":`, m.CorrelationID)
	b = appendOptional(b, `,"causation_id":`, m.CausationID)
	b = appendOptional(b, `,"traceparent":`, m.TraceParent)
	return append(b, '}'), nil
}

// appendOptional appends a field that is left out where it is empty.
func appendOptional(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return AppendText(append(b, name...), text)
}

// appendPersonal appends a plain value as a string and a sealed one as its object.
func appendPersonal(b []byte, p Personal) []byte {
	s, ok := p.split()
	if !ok {
		return AppendText(b, string(p))
	}
	b = append(append(b, `{"sealed":"`...), s.Sealed...)
	b = append(append(b, `","subject":"`...), s.Subject...)
	if s.Day != "" {
		b = append(append(b, `","day":"`...), s.Day...)
	}
	if s.Name != "" {
		b = append(append(b, `","name":"`...), s.Name...)
	}
	return append(b, `"}`...)
}
