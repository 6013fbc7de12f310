package ports

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

func TestAFrameIsEncodedAsEncodingJSONDoes(t *testing.T) {
	frame, err := DecodeEvents(written(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	frame.Events[1].StreamID = `a "quoted" <id>, ü`
	want := sealedFrame{First: frame.First, Last: frame.Last}
	for _, e := range frame.Events {
		want.Events = append(want.Events, events.Envelope{
			Position: e.Position, StreamID: e.StreamID, Version: e.Version, Type: e.Type, Schema: e.Schema,
			Data: e.RawData, Meta: e.RawMeta, RecordedAt: e.RecordedAt, Digest: e.Digest,
		})
	}
	expected, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(expected), string(frame.Encode())); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkEncodeFrame(b *testing.B) {
	frame, err := DecodeEvents(written(b, 100))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(frame.Encode())))
	}
}
