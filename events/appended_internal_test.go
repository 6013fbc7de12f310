package events

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzEncoded holds what is appended to the bytes of encoding/json, which the digests
// of every log cover.
func FuzzEncoded(f *testing.F) {
	sealed := string(Sealed{Sealed: []byte("ciphertext"), Subject: "0123/4", Day: "2026-11-25", Name: "consent_1"}.Personal())
	f.Add("+14155552671", "acme", 1, true)
	f.Add(sealed, "a \"quote\", a \\, <&> and \u2028 ü 🙂", -7, false)
	f.Add(sealed+"\n", "\xff\x00\x1a|x", 0, true)
	f.Add("", "", 0, false)
	f.Fuzz(func(t *testing.T, personal, text string, n int, flag bool) {
		some := text
		if flag {
			some = "" // left out
		}
		p, now := Personal(personal), time.Unix(int64(n), 0).UTC()
		accepted := MessageAccepted{
			To: p, From: Personal(some), Body: Personal(text), Encoding: text, Segments: n, Lane: text, Kind: text,
			Reference: some, CallbackURL: some, Consent: text, Fingerprint: some, Test: flag,
		}
		all := []Event{accepted, MessageAttempted{n, text, text}, MessageDispatched{n, text, text, some, some}, MessageCanceled{}}
		for _, seldom := range []func(*MessageAccepted){
			func(e *MessageAccepted) { e.SendAt = &now },
			func(e *MessageAccepted) { e.ExpiresAt = &now },
			func(e *MessageAccepted) { e.Metadata = map[string]string{text: text} },
			func(e *MessageAccepted) { e.TimeZone = text },
		} {
			other := accepted
			seldom(&other)
			all = append(all, other)
		}
		for _, e := range all {
			got, err := encoded(e)
			same(t, e.EventType(), got, err, e)
		}
		for _, m := range []Meta{{Tenant: text, Actor: some, CorrelationID: text, CausationID: some, TraceParent: some}, {Tenant: text, Reason: text}, {Actor: text}} {
			got, err := encodedMeta(m)
			same(t, "meta", got, err, m)
		}
	})
}

func same(t *testing.T, what string, got []byte, err error, v any) {
	t.Helper()
	want, wantErr := json.Marshal(v)
	if string(got) != string(want) || (err == nil) != (wantErr == nil) {
		t.Errorf("%s is written as\n%s, %v; encoding/json writes\n%s, %v", what, got, err, want, wantErr)
	}
}
