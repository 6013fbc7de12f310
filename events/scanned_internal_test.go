package events

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// sealedText is an event as most are in the log.
func sealedText() MessageAccepted {
	number := Sealed{Sealed: []byte("ciphertext"), Subject: "0a1b/2", Name: "consent_00"}.Personal()
	return MessageAccepted{
		To: number, From: number, Body: Sealed{Sealed: []byte("more of it"), Subject: "0a1b/2", Day: "2026-11-25"}.Personal(),
		Encoding: "GSM-7", Segments: 1, Lane: "high", Kind: "transactional", Reference: "order 1", CallbackURL: "https://example.org",
		Consent: "consent_01", Fingerprint: "0f", Test: true,
	}
}

// TestWhatIsWrittenMostIsScanned tells when a field is added or moved and the scan
// is not: nothing else would, since encoding/json takes over.
func TestWhatIsWrittenMostIsScanned(t *testing.T) {
	scans := func(v any, scan func(*Scan) any) {
		t.Helper()
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		s := NewScan(data)
		if read := scan(&s); !s.Done() || !reflect.DeepEqual(read, v) {
			t.Errorf("of %s was read: %t, %+v", data, s.Done(), read)
		}
	}
	scans(sealedText(), func(s *Scan) any { return scanAccepted(s) })
	scans(MessageAttempted{Attempt: 2, AttemptID: "a", Provider: "twilio"}, func(s *Scan) any { return scanAttempted(s) })
	scans(MessageDispatched{Attempt: 1, Provider: "p", ProviderMessageID: "SM1", ProviderStatus: "queued"}, func(s *Scan) any { return scanDispatched(s) })
	scans(MessageDelivered{ProviderStatus: "delivered", At: time.Date(2026, 11, 25, 10, 0, 0, 123456000, time.UTC)}, func(s *Scan) any { return scanDelivered(s) })
	scans(MessageDelivered{ProviderStatus: "delivered", ErrorCode: "0", At: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}, func(s *Scan) any { return scanDelivered(s) })
	scans(Meta{Tenant: "acme", Actor: "key:1", CorrelationID: "c", CausationID: "d:1", TraceParent: "00-1-2-01"}, func(s *Scan) any { return scanMeta(s) })
}

// FuzzScanned holds every scan to encoding/json: what it reads they read alike.
func FuzzScanned(f *testing.F) {
	for _, v := range []any{sealedText(), MessageAttempted{Attempt: 1}, MessageDispatched{ProviderStatus: "queued"}, Meta{Tenant: "acme", Actor: "a"}} {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		alike(t, data, scanAccepted)
		alike(t, data, scanAttempted)
		alike(t, data, scanDispatched)
		alike(t, data, scanDelivered)
		alike(t, data, scanMeta)
	})
}

func alike[T any](t *testing.T, data []byte, scan func(*Scan) T) {
	t.Helper()
	s := NewScan(data)
	scanned := scan(&s)
	if !s.Done() {
		return
	}
	var read T
	if err := json.Unmarshal(data, &read); err != nil || !reflect.DeepEqual(scanned, read) {
		t.Fatalf("of %s: scanned %+v, read %+v, %v", data, scanned, read, err)
	}
}
