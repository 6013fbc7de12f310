package postgres

import (
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

const callAppend = `SELECT accepted, tip, appended_at FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// batch is a call of append_events, column by column.
type batch struct {
	writeStreams  []string
	writeVersions []int32

	requireWrites   []int32 // numbers of writes, from 1
	requireStreams  []string
	requireVersions []int32

	events        []events.Recorded // as far as it is known before the call
	eventWrites   []int32           // numbers of writes, from 1
	eventVersions []int32
	eventTypes    []string
	eventSchemas  []int32
	eventData     [][]byte
	eventMeta     [][]byte
	eventDigests  [][]byte // of the contents

	keyWrites []int32 // numbers of writes, from 1
	keyNames  []string
	keyValues [][]byte
}

func newBatch(writes []ports.Write) (batch, error) {
	b := emptyBatch(len(writes))
	for i, w := range writes {
		if err := b.add(int32(i+1), w); err != nil {
			return batch{}, fmt.Errorf("appending to stream %s: %w", w.StreamID, err)
		}
	}
	return b, nil
}

// emptyBatch has no nil slices: they would be sent as null.
func emptyBatch(writes int) batch {
	numbers := func() []int32 { return make([]int32, 0, writes) }
	names := func() []string { return make([]string, 0, writes) }
	blobs := func() [][]byte { return make([][]byte, 0, writes) }
	return batch{
		writeStreams: names(), writeVersions: numbers(),
		requireWrites: numbers(), requireStreams: names(), requireVersions: numbers(),
		eventWrites: numbers(), eventVersions: numbers(), eventTypes: names(), eventSchemas: numbers(),
		eventData: blobs(), eventMeta: blobs(), eventDigests: blobs(),
		keyWrites: numbers(), keyNames: names(), keyValues: blobs(),
	}
}

func (b *batch) add(number int32, w ports.Write) error {
	if len(w.Events) == 0 {
		return fmt.Errorf("no events")
	}
	b.writeStreams = append(b.writeStreams, w.StreamID)
	b.writeVersions = append(b.writeVersions, int32(w.Expected))
	for _, r := range w.Requires {
		b.requireWrites = append(b.requireWrites, number)
		b.requireStreams = append(b.requireStreams, r.StreamID)
		b.requireVersions = append(b.requireVersions, int32(r.Version))
	}
	for _, key := range w.Keys {
		b.keyWrites = append(b.keyWrites, number)
		b.keyNames = append(b.keyNames, key.Name)
		b.keyValues = append(b.keyValues, key.Key)
	}
	for i, e := range w.Events {
		r, err := events.Prepare(w.StreamID, w.Expected+i+1, e, w.Meta)
		if err != nil {
			return err
		}
		b.events = append(b.events, r)
		b.eventWrites = append(b.eventWrites, number)
		b.eventVersions = append(b.eventVersions, int32(r.Version))
		b.eventTypes = append(b.eventTypes, r.Type)
		b.eventSchemas = append(b.eventSchemas, int32(r.Schema))
		b.eventData = append(b.eventData, r.RawData)
		b.eventMeta = append(b.eventMeta, r.RawMeta)
		b.eventDigests = append(b.eventDigests, r.Digest[:])
	}
	return nil
}

// commit returns the events of the writes that were accepted, behind tip, as the log
// has them. They are not decoded.
func (b batch) commit(accepted []bool, tip int64, at time.Time) []events.Recorded {
	commit := make([]events.Recorded, 0, len(b.events))
	for i, r := range b.events {
		if !accepted[b.eventWrites[i]-1] {
			continue
		}
		tip++
		r.Position, r.RecordedAt, r.Data, r.Meta = tip, at, nil, events.Meta{}
		r.Digest = events.RowDigest(r.Digest, r.Position, r.RecordedAt)
		commit = append(commit, r)
	}
	return commit
}

// args returns the arguments of callAppend.
func (b batch) args() []any {
	return []any{
		b.writeStreams, b.writeVersions,
		b.requireWrites, b.requireStreams, b.requireVersions,
		b.eventWrites, b.eventVersions, b.eventTypes, b.eventSchemas, b.eventData, b.eventMeta, b.eventDigests,
		b.keyWrites, b.keyNames, b.keyValues,
	}
}
