package parquet_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	reader "github.com/parquet-go/parquet-go"

	"github.com/pro-sms/prosms/adapters/parquet"
	"github.com/pro-sms/prosms/events"
)

// row is what a warehouse reads, without a word from the package that wrote it.
type row struct {
	Position    int64     `parquet:"position"`
	StreamID    string    `parquet:"stream_id"`
	Version     int32     `parquet:"version"`
	Type        string    `parquet:"type"`
	Schema      int32     `parquet:"schema"`
	Data        *string   `parquet:"data,optional"`
	Tenant      *string   `parquet:"tenant,optional"`
	Actor       *string   `parquet:"actor,optional"`
	Correlation *string   `parquet:"correlation_id,optional"`
	Causation   *string   `parquet:"causation_id,optional"`
	TraceParent *string   `parquet:"traceparent,optional"`
	Reason      *string   `parquet:"reason,optional"`
	RecordedAt  time.Time `parquet:"recorded_at,timestamp(microsecond)"`
	Digest      string    `parquet:"digest"`
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)

func recorded(t *testing.T, position int64, e events.Event, meta events.Meta) events.Recorded {
	t.Helper()
	r, err := events.Prepare("msg_1", int(position), e, meta)
	if err != nil {
		t.Fatal(err)
	}
	r.Position, r.RecordedAt = position, noon.Add(time.Duration(position)*time.Microsecond)
	return r
}

func TestEventsAreReadBackAsTheyWereWritten(t *testing.T) {
	full := events.Meta{Tenant: "acme", Actor: "operator:ann", CorrelationID: "r1", CausationID: "msg_0:3", TraceParent: "00-1-2-01", Reason: "sender mended"}
	written := []events.Recorded{
		recorded(t, 1, events.MessageAttempted{Attempt: 1, AttemptID: "a1", Provider: "twilio"}, full),
		recorded(t, 2, events.MessageAttempted{Attempt: 2, Provider: "“…”"}, events.Meta{}),
	}
	detached := recorded(t, 3, events.MessageAttempted{Attempt: 3}, full)
	detached.RawData = nil
	null := detached
	null.RawData = json.RawMessage("null")
	written = append(written, detached, null)

	var file bytes.Buffer
	write(t, &file, written...)
	rows, err := reader.Read[row](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(rows) != len(written) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, got := range rows {
		want := written[i]
		if got.Position != want.Position || got.StreamID != want.StreamID || int(got.Version) != want.Version || got.Type != want.Type ||
			int(got.Schema) != want.Schema || !got.RecordedAt.Equal(want.RecordedAt) || got.Digest != want.Digest.String() {
			t.Errorf("row %d is %+v", i, got)
		}
		if data := orNull(got.Data); data != cmp.Or(string(want.RawData), "null") {
			t.Errorf("row %d: data is %s, want %s", i, data, want.RawData)
		}
		m := want.Meta
		for column, is := range map[string][2]string{
			"tenant": {orNull(got.Tenant), m.Tenant}, "actor": {orNull(got.Actor), m.Actor}, "correlation_id": {orNull(got.Correlation), m.CorrelationID},
			"causation_id": {orNull(got.Causation), m.CausationID}, "traceparent": {orNull(got.TraceParent), m.TraceParent}, "reason": {orNull(got.Reason), m.Reason},
		} {
			if is[0] != cmp.Or(is[1], "null") {
				t.Errorf("row %d: %s is %s, want %q", i, column, is[0], is[1])
			}
		}
	}
	if schema := open(t, file.Bytes()).Schema().String(); !strings.Contains(schema, "optional binary data (STRING)") ||
		!strings.Contains(schema, "recorded_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS))") {
		t.Error(schema)
	}
}

func TestAFileOfNoEventsHasItsColumns(t *testing.T) {
	var file bytes.Buffer
	write(t, &file)
	if f := open(t, file.Bytes()); f.NumRows() != 0 || len(f.Schema().Fields()) != 14 {
		t.Errorf("%d rows of %s", f.NumRows(), f.Schema())
	}
}

// What has been written stands in the file before the next row group begins, so that
// memory does not grow with the log.
func TestALongLogIsWrittenInGroups(t *testing.T) {
	const n, each = 700, 100_000 // 70 MB
	noise, text := rand.NewChaCha8([32]byte{}), make([]byte, each)
	var file bytes.Buffer
	w := parquet.NewWriter(&file)
	e := recorded(t, 1, events.MessageAttempted{Attempt: 1}, events.Meta{Tenant: "acme"})
	held := 0 // at most; noise is not compressed
	for i := range n {
		noise.Read(text)
		e.Position, e.RawData = int64(i+1), text
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		held = max(held, (i+1)*each-file.Len())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if held > 64<<20 {
		t.Errorf("%d MiB were held", held>>20)
	}
	f := open(t, file.Bytes())
	if groups := len(f.RowGroups()); f.NumRows() != n || groups < 2 || groups > 5 {
		t.Errorf("%d rows in %d groups", f.NumRows(), groups)
	}
}

func TestAnErrorOfTheOutputIsTold(t *testing.T) {
	w := parquet.NewWriter(full{})
	err := w.Write(recorded(t, 1, events.MessageAttempted{Attempt: 1}, events.Meta{}))
	if err = errors.Join(err, w.Close()); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func write(t *testing.T, out io.Writer, written ...events.Recorded) {
	t.Helper()
	w := parquet.NewWriter(out)
	for _, e := range written {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, file []byte) *reader.File {
	t.Helper()
	f, err := reader.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
