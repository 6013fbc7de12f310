package events_test

import (
	"testing"

	"github.com/pro-sms/prosms/events"
)

// BenchmarkDecode is what every reader of the log pays for a text, plain and sealed.
func BenchmarkDecode(b *testing.B) {
	plain, _, err := events.Encode(events.MessageAccepted{To: "+14155552671", From: "+15005550006", Body: "Your code is 123456. It expires in ten minutes."})
	if err != nil {
		b.Fatal(err)
	}
	number := events.Sealed{Sealed: make([]byte, 40), Subject: sealedNumber.Subject, Name: "consent_0123456789abcdef0123456789abcdef"}.Personal()
	body := events.Sealed{Sealed: make([]byte, 80), Subject: sealedNumber.Subject, Day: "2026-11-25"}.Personal()
	sealed, _, err := events.Encode(events.MessageAccepted{To: number, From: number, Body: body})
	if err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string][]byte{"plain": plain, "sealed": sealed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := events.Decode("message.accepted", 1, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
