package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

var meta = events.Meta{Tenant: "acme", Actor: "key:k1", CorrelationID: "req_1", CausationID: "msg_1:1", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

// record gives a golden event a place in the log.
func record(t testing.TB, g golden, position int64) events.Recorded {
	t.Helper()
	r, err := events.Prepare("stream_1", int(position), g.decode(t), meta)
	if err != nil {
		t.Fatal(err)
	}
	r.Position, r.RecordedAt = position, time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	r.Digest = r.ComputeDigest()
	return r
}

func TestPrepareLeavesToTheStoreOnlyWhatItKnows(t *testing.T) {
	accepted := events.MessageCanceled{By: "key:k1"}
	got, err := events.Prepare("msg_1", 2, accepted, meta)
	want := events.Recorded{
		StreamID: "msg_1", Version: 2, Type: "message.canceled", Schema: 1, Data: accepted, Meta: meta,
		RawData: []byte(`{"by":"key:k1"}`),
		RawMeta: []byte(`{"tenant":"acme","actor":"key:k1","correlation_id":"req_1","causation_id":"msg_1:1","traceparent":"` + meta.TraceParent + `"}`),
	}
	want.Digest = events.ContentDigest("msg_1", 2, "message.canceled", 1, want.RawData, want.RawMeta)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Prepare: %v (-want +got):\n%s", err, diff)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	row := got
	row.Position, row.RecordedAt = 7, at
	if events.RowDigest(got.Digest, 7, at) != row.ComputeDigest() {
		t.Error("the content digest does not lead to the row digest")
	}
}

func TestTheEnvelopeHasTheNamesOfTheContract(t *testing.T) {
	r, err := events.Prepare("msg_1", 2, events.MessageCanceled{By: "key:k1"}, events.Meta{Tenant: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	r.Position, r.RecordedAt, r.Digest = 7, time.Date(2026, 3, 1, 13, 0, 0, 120000000, time.FixedZone("", 3600)), events.Hash{0xAB}
	got, err := json.Marshal(r)
	want := `{"position":7,"stream_id":"msg_1","version":2,"type":"message.canceled","schema":1,"data":{"by":"key:k1"},` +
		`"meta":{"tenant":"acme"},"recorded_at":"2026-03-01T12:00:00.12Z","digest":"ab` + strings.Repeat("0", 62) + `"}`
	if string(got) != want || err != nil {
		t.Errorf("envelope\n%s, %v; want\n%s", got, err, want)
	}
}

func TestEveryEventSurvivesTheWire(t *testing.T) {
	for i, g := range goldens(t) {
		r := record(t, g, int64(i+1))
		wire, err := json.Marshal([]events.Recorded{r})
		if err != nil {
			t.Fatal(err)
		}
		var got []events.Recorded
		if err := json.Unmarshal(wire, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]events.Recorded{r}, got); diff != "" || got[0].ComputeDigest() != r.Digest {
			t.Errorf("%s comes back as another (-want +got):\n%s", g.eventType, diff)
		}
	}
}

func TestMalformedEnvelopesAreRefusedWithoutQuotingThem(t *testing.T) {
	for name, wire := range map[string]string{
		"no JSON":        `+14155552671`,
		"wrong types":    `{"position":"+14155552671"}`,
		"malformed data": `{"position":1,"type":"message.accepted","schema":1,"data":{"to":4155552671},"meta":{}}`,
		"malformed meta": `{"position":1,"type":"message.accepted","schema":1,"data":{},"meta":4155552671}`,
		"no meta":        `{"position":1,"type":"message.accepted","schema":1,"data":{"to":"+14155552671"}}`,
		"no data":        `{"position":1,"type":"message.accepted","schema":1,"meta":{}}`,
	} {
		var r events.Recorded
		// Called directly, since json's own syntax errors come from the caller's decoder.
		if err := r.UnmarshalJSON([]byte(wire)); err == nil || strings.Contains(err.Error(), "4155552671") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCodec: what can be read can be written, and is read as the same again.
func FuzzCodec(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.eventType, g.schema, g.data)
	}
	f.Fuzz(func(t *testing.T, eventType string, schema int, data []byte) {
		e, err := events.Decode(eventType, schema, data)
		if err != nil {
			return
		}
		if _, ok := e.(events.Unknown); ok {
			return
		}
		written, newest, err := events.Encode(e)
		if err != nil {
			t.Fatalf("%s was read and cannot be written: %v", eventType, err)
		}
		again, err := events.Decode(eventType, newest, written)
		if diff := cmp.Diff(e, again); diff != "" || err != nil {
			t.Fatalf("%s is read as another: %v\n%s", eventType, err, diff)
		}
		twice, _, err := events.Encode(again)
		if !bytes.Equal(written, twice) || err != nil {
			t.Fatalf("%s is written as\n%s, then\n%s, %v", eventType, written, twice, err)
		}
	})
}

// FuzzEnvelope: likewise, and what is not of our kind never panics.
func FuzzEnvelope(f *testing.F) {
	for i, g := range goldens(f) {
		wire, err := json.Marshal(record(f, g, int64(i+1)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var r events.Recorded
		if json.Unmarshal(wire, &r) != nil {
			return
		}
		_ = fmt.Sprint(r, r.ComputeDigest())
		written, err := json.Marshal(r)
		if err != nil {
			if y := r.RecordedAt.Year(); y < 0 || y > 9999 {
				return // RFC 3339 has no such years; a zone led there
			}
			t.Fatalf("it was read and cannot be written: %v", err)
		}
		var again events.Recorded
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s cannot be read: %v", written, err)
		}
		twice, err := json.Marshal(again)
		if !bytes.Equal(written, twice) || err != nil {
			t.Fatalf("written as\n%s, then\n%s, %v", written, twice, err)
		}
		if !cmp.Equal(r.Data, again.Data) || r.Meta != again.Meta || !r.RecordedAt.Equal(again.RecordedAt) {
			t.Fatalf("%s is read as another", written)
		}
	})
}
