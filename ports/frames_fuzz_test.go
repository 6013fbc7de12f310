package ports_test

import (
	"encoding/json"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

func FuzzDecodeWork(f *testing.F) {
	for _, seed := range []string{
		`{"work":[{"m":"msg_1","a":1},{"m":"msg_2","a":2}]}`, `{"work":[]}`, `{}`, ``, `null`, `{"work":[null]}`, `{"work":{"m":1}}`, "\xff\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		frame, err := ports.DecodeWork(payload)
		if err != nil {
			return
		}
		if len(frame.Work) == 0 {
			t.Fatal("an empty frame is taken")
		}
		again, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		if decoded, err := ports.DecodeWork(again); err != nil || len(decoded.Work) != len(frame.Work) {
			t.Fatalf("encoded again it is %d of %d, %v", len(decoded.Work), len(frame.Work), err)
		}
	})
}

func FuzzDecodeEvents(f *testing.F) {
	const event = `{"position":7,"stream_id":"msg_1","version":1,"type":"message.canceled","schema":1,"data":{"by":"x"},"meta":{"tenant":"acme"},"recorded_at":"2030-01-31T08:00:00Z","digest":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`
	for _, seed := range []string{
		`{"first":7,"last":7,"events":[` + event + `]}`, `{"first":7,"last":8,"events":[` + event + `,` + event + `]}`,
		`{"first":7,"last":6,"events":[]}`, `{"first":-9223372036854775808,"last":9223372036854775807,"events":[` + event + `]}`, `{}`, ``, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		frame, err := ports.DecodeEvents(payload)
		if err != nil {
			return
		}
		for i, e := range frame.Events {
			if e.Position != frame.First+int64(i) || e.Position < 1 {
				t.Fatalf("event %d of the frame from %d stands at %d", i, frame.First, e.Position)
			}
		}
		if n := int64(len(frame.Events)); n == 0 || frame.Last != frame.First+n-1 {
			t.Fatalf("frame %d to %d has %d events", frame.First, frame.Last, n)
		}
		if some, err := ports.DecodeEvents(payload, "message.canceled"); err != nil || len(some.Events) > len(frame.Events) {
			t.Fatalf("of one type there are %d, %v", len(some.Events), err)
		}
	})
}
