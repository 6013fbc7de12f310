package events

import "encoding/json"

// What is read most is read by Scan: four events make up nearly all of a log, and
// every one has a Meta (BenchmarkDecode). Fields that few have, and whatever needs to
// be escaped, are left to encoding/json.

// scanned decodes by scan what it can, and all else as decodeAs does.
func scanned[E Event](scan func(*Scan) E) func(json.RawMessage) (Event, error) {
	return func(data json.RawMessage) (Event, error) {
		s := NewScan(data)
		if e := scan(&s); s.Done() {
			return e, nil
		}
		return decodeAs[E](data)
	}
}

func scanAccepted(s *Scan) (e MessageAccepted) {
	s.Literal(`{"to":`)
	e.To = scanPersonal(s)
	if s.Next(`,"from":`) {
		e.From = scanPersonal(s)
	}
	s.Literal(`,"body":`)
	e.Body = scanPersonal(s)
	s.Literal(`,"encoding":`)
	e.Encoding = string(s.Text())
	s.Literal(`,"segments":`)
	e.Segments = int(s.Integer())
	s.Literal(`,"lane":`)
	e.Lane = string(s.Text())
	s.Literal(`,"kind":`)
	e.Kind = string(s.Text())
	e.Reference = scanOptional(s, `,"reference":`)
	e.CallbackURL = scanOptional(s, `,"callback_url":`)
	s.Literal(`,"consent":`)
	e.Consent = string(s.Text())
	e.Fingerprint = scanOptional(s, `,"fingerprint":`)
	e.Test = s.Next(`,"test":true`)
	s.Literal(`}`)
	return e
}

func scanAttempted(s *Scan) (e MessageAttempted) {
	s.Literal(`{"attempt":`)
	e.Attempt = int(s.Integer())
	s.Literal(`,"attempt_id":`)
	e.AttemptID = string(s.Text())
	s.Literal(`,"provider":`)
	e.Provider = string(s.Text())
	s.Literal(`}`)
	return e
}

func scanDispatched(s *Scan) (e MessageDispatched) {
	s.Literal(`{"attempt":`)
	e.Attempt = int(s.Integer())
	s.Literal(`,"provider":`)
	e.Provider = string(s.Text())
	s.Literal(`,"provider_message_id":`)
	e.ProviderMessageID = string(s.Text())
	e.ProviderStatus = scanOptional(s, `,"provider_status":`)
	e.ProviderRequestID = scanOptional(s, `,"provider_request_id":`)
	s.Literal(`}`)
	return e
}

func scanDelivered(s *Scan) (e MessageDelivered) {
	s.Literal(`{"provider_status":`)
	e.ProviderStatus = string(s.Text())
	e.ErrorCode = scanOptional(s, `,"error_code":`)
	s.Literal(`,"at":`)
	s.Unmarshal(&e.At)
	s.Literal(`}`)
	return e
}

func decodeMeta(raw json.RawMessage) (m Meta, err error) {
	s := NewScan(raw)
	if m = scanMeta(&s); s.Done() {
		return m, nil
	}
	m = Meta{}
	err = json.Unmarshal(raw, &m)
	return m, err
}

// scanMeta reads a Meta with a tenant.
func scanMeta(s *Scan) (m Meta) {
	s.Literal(`{"tenant":`)
	m.Tenant = string(s.Text())
	m.Actor = scanOptional(s, `,"actor":`)
	m.CorrelationID = scanOptional(s, `,"correlation_id":`)
	m.CausationID = scanOptional(s, `,"causation_id":`)
	m.TraceParent = scanOptional(s, `,"traceparent":`)
	s.Literal(`}`)
	return m
}

func scanOptional(s *Scan, name string) string {
	if !s.Next(name) {
		return ""
	}
	return string(s.Text())
}

// scanPersonal reads a sealed value.
func scanPersonal(s *Scan) Personal {
	sealed, ok := readSealed(string(s.Object()))
	s.failed = s.failed || !ok
	return sealed.personal()
}
