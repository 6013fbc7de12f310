package porttest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// detachAndAttach takes two streams out of source and puts them back.
func detachAndAttach(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	before := wholeCommits(t, source)
	if err := importer.Import(t.Context(), before...); err != nil {
		t.Fatal(err)
	}
	rows := append(loadStream(t, target, "text"), loadStream(t, target, "wanted")...)
	if err := importer.Detach(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	want := readLog(t, source)
	for i, e := range want {
		if e.StreamID == "text" || e.StreamID == "wanted" {
			want[i].Data, want[i].RawData = events.Detached{Type: e.Type}, []byte("null")
		}
	}
	if diff := cmp.Diff(want, readLog(t, target)); diff != "" {
		t.Errorf("detached (-want +got)\n%s", diff)
	}
	if err := importer.Detach(t.Context(), rows...); !errors.Is(err, ports.ErrConflict) {
		t.Errorf("detached twice: %v", err)
	}
	if results, err := target.Append(t.Context(), write("text", 0, 1)); err != nil || !errors.Is(results[0].Err, ports.ErrConflict) {
		t.Errorf("a stream that was detached begins anew: %+v, %v", results, err)
	}
	for _, left := range []int{len(rows), 0} {
		if n, err := importer.Attach(t.Context(), rows...); n != left || err != nil {
			t.Errorf("attached %d rows, %v; want %d", n, err, left)
		}
	}
	if diff := cmp.Diff(before, wholeCommits(t, target)); diff != "" {
		t.Errorf("attached (-before +after)\n%s", diff)
	}
}

// detachWholeStreams tries rows that are not all of a stream, or not of the log.
func detachWholeStreams(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	all := wholeCommits(t, source)
	if err := importer.Import(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	stream := loadStream(t, target, "wanted")
	text := loadStream(t, target, "text")
	changed, rehashed := text[0], text[0]
	changed.RawData = []byte(`{}`)
	rehashed.RawData = []byte(`{}`)
	rehashed.Digest = rehashed.ComputeDigest()
	for name, rows := range map[string][]events.Recorded{
		"a part of a stream":   append(text[:1:1], stream[1:]...),
		"a changed row":        append(stream[:len(stream):len(stream)], changed),
		"a row of another log": append(stream[:len(stream):len(stream)], rehashed),
	} {
		if err := importer.Detach(t.Context(), rows...); err == nil {
			t.Errorf("%s was detached", name)
		}
	}
	if diff := cmp.Diff(all, wholeCommits(t, target)); diff != "" {
		t.Fatalf("refused, and changed (-before +after)\n%s", diff)
	}
	if err := importer.Detach(t.Context(), text...); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]events.Recorded{"a changed row": changed, "a row of another log": rehashed} {
		if n, err := importer.Attach(t.Context(), row); err == nil {
			t.Errorf("%s was attached: %d", name, n)
		}
	}
	if got := loadStream(t, target, "text"); !got[0].Detached() {
		t.Errorf("refused, and attached: %s", got[0].RawData)
	}
}

// importDetached moves a log whose payloads are elsewhere in part.
func importDetached(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	all := wholeCommits(t, source)
	row := &all[1].Events[0]
	row.RawData, row.Data = []byte("null"), events.Detached{Type: row.Type}
	if err := importer.Import(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, wholeCommits(t, target)); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
	appendAll(t, target, write("afterwards", 0, 2))
}

func loadStream(t *testing.T, store ports.EventStore, id string) []events.Recorded {
	t.Helper()
	recorded, err := store.Load(t.Context(), id)
	if err != nil || len(recorded) == 0 {
		t.Fatalf("stream %s has %d events, %v", id, len(recorded), err)
	}
	return recorded
}
