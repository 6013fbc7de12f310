// Package parquet writes events in Apache Parquet, for warehouses.
package parquet

import (
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/pro-sms/prosms/events"
)

// groupSize is after how many bytes of events, uncompressed, a row group ends. What
// is in memory is one of them, compressed, and the first and last values of those
// before. A file may have 32,767 groups.
const groupSize = 64 << 20

// row is an event as the API shows it, but for what meta holds, which has columns of
// its own. What may be missing is null where it is.
type row struct {
	Position      int64     `parquet:"position,delta"`
	StreamID      string    `parquet:"stream_id"`
	Version       int32     `parquet:"version"`
	Type          string    `parquet:"type,dict"`
	Schema        int32     `parquet:"schema"`
	Data          string    `parquet:"data,optional"` // JSON as text, as the library panics at optional JSON (v0.32.0); null where it is detached
	Tenant        string    `parquet:"tenant,optional,dict"`
	Actor         string    `parquet:"actor,optional,dict"`
	CorrelationID string    `parquet:"correlation_id,optional"`
	CausationID   string    `parquet:"causation_id,optional"`
	TraceParent   string    `parquet:"traceparent,optional"`
	Reason        string    `parquet:"reason,optional"`
	RecordedAt    time.Time `parquet:"recorded_at,timestamp(microsecond),delta"`
	Digest        string    `parquet:"digest"` // in hex
}

// Writer writes one file of events as a stream. What it wrote can be read only after
// Close. It is for one goroutine.
type Writer struct {
	file    *parquet.GenericWriter[row]
	pending []row
	size    int // of the events in the row group that is open
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer {
	return &Writer{
		file:    parquet.NewGenericWriter[row](out, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("prosms", "", "")),
		pending: make([]row, 0, 500),
	}
}

// Write adds an event.
func (w *Writer) Write(e events.Recorded) error {
	data := string(e.RawData)
	if data == "null" {
		data = ""
	}
	w.pending = append(w.pending, row{
		Position: e.Position, StreamID: e.StreamID, Version: int32(e.Version), Type: e.Type, Schema: int32(e.Schema), Data: data,
		Tenant: e.Meta.Tenant, Actor: e.Meta.Actor, CorrelationID: e.Meta.CorrelationID, CausationID: e.Meta.CausationID,
		TraceParent: e.Meta.TraceParent, Reason: e.Meta.Reason, RecordedAt: e.RecordedAt, Digest: e.Digest.String(),
	})
	w.size += len(e.RawData) + len(e.RawMeta) + 200
	if len(w.pending) < cap(w.pending) && w.size < groupSize {
		return nil
	}
	return w.flush()
}

// flush hands over what is pending, and ends the row group if it is full.
func (w *Writer) flush() error {
	if _, err := w.file.Write(w.pending); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	w.pending = w.pending[:0]
	if w.size < groupSize {
		return nil
	}
	w.size = 0
	if err := w.file.Flush(); err != nil {
		return fmt.Errorf("writing a row group: %w", err)
	}
	return nil
}

// Close writes what is left, and the index without which nothing can be read.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	return nil
}
