package events_test

import (
	"testing"

	"github.com/pro-sms/prosms/events"
)

// BenchmarkPrepare is what the log costs before it is written: the events of a text
// that is sent at once.
func BenchmarkPrepare(b *testing.B) {
	number := events.Sealed{Sealed: make([]byte, 40), Subject: sealedNumber.Subject, Name: "consent_0123456789abcdef0123456789abcdef"}.Personal()
	body := events.Sealed{Sealed: make([]byte, 80), Subject: sealedNumber.Subject, Day: "2026-11-25"}.Personal()
	meta := events.Meta{Tenant: "acme", Actor: "key:0123456789abcdef", CorrelationID: "req_0123456789", CausationID: "msg_0123456789abcdef0123456789abcdef:1"}
	text := []events.Event{
		events.MessageAccepted{To: number, From: number, Body: body, Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional", Consent: "consent_0123456789abcdef0123456789abcdef"},
		events.MessageAttempted{Attempt: 1, AttemptID: "0123456789abcdef", Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM0123456789abcdef0123456789abcdef", ProviderStatus: "queued"},
	}
	b.ReportAllocs()
	for b.Loop() {
		for i, e := range text {
			if _, err := events.Prepare("msg_0123456789abcdef0123456789abcdef", i+1, e, meta); err != nil {
				b.Fatal(err)
			}
		}
	}
}
