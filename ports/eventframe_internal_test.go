package ports

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

// written is a frame of n events from position 7 on, as a store writes it.
func written(t testing.TB, n int) []byte {
	f := EventFrame{First: 7, Last: int64(6 + n)}
	for i := range n {
		e, err := events.Prepare(fmt.Sprintf("msg_%032x", i), 1, events.MessageAccepted{
			To: "+14155550123", Body: `a "quote", a \ and {[ ü 🙂`, Encoding: "UCS-2", Segments: 1, Lane: "normal", Kind: "transactional",
			Metadata: map[string]string{"}": "]"}, Consent: "consent_1",
		}, events.Meta{Tenant: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		e.Position, e.RecordedAt = int64(7+i), time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
		f.Events = append(f.Events, e)
	}
	payload, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestFramesOfTheStoresAreScanned(t *testing.T) {
	payload := written(t, 3)
	scanned, ok := scanFrame(payload)
	var want sealedFrame
	if err := json.Unmarshal(payload, &want); err != nil || !ok {
		t.Fatalf("scanned: %t; read: %v", ok, err)
	}
	if diff := cmp.Diff(want, scanned); diff != "" {
		t.Error(diff)
	}
	for cut := range payload {
		if _, ok := scanFrame(payload[:cut]); ok {
			t.Fatalf("the first %d bytes are taken for a frame", cut)
		}
	}
	if _, ok := scanFrame(append(payload, ' ')); ok {
		t.Error("what follows a frame is passed over")
	}
}

// FuzzScanFrame holds scanFrame to encoding/json: what both read they read alike.
func FuzzScanFrame(f *testing.F) {
	f.Add(written(f, 2))
	f.Add([]byte(`{"first":07,"last":7,"events":[]}`))
	f.Add([]byte(`{"first":7,"last":6,"events":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		scanned, ok := scanFrame(payload)
		var read sealedFrame
		if !ok || json.Unmarshal(payload, &read) != nil {
			return
		}
		if len(read.Events) == 0 {
			read.Events, scanned.Events = nil, nil
		}
		if diff := cmp.Diff(read, scanned); diff != "" {
			t.Fatalf("of %s:\n%s", payload, diff)
		}
	})
}

func BenchmarkDecodeEvents(b *testing.B) {
	payload := written(b, 100)
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			if _, ok := scanFrame(payload); !ok {
				b.Fatal("not scanned")
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			var f sealedFrame
			if err := json.Unmarshal(payload, &f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			if _, err := DecodeEvents(payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}
