package postgres

import (
	"database/sql"
	"errors"
	"fmt"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v3/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// frameSchema makes the events table a topic whose messages are frames. What it
// selects is where the group stands, and the head of the log; read returns the frame
// in between, or its beginning.
type frameSchema struct {
	read func(after, head int64, digest events.Hash) (ports.EventFrame, error)
}

var errReadOnly = errors.New("the log is appended to through the event store")

// InsertQuery refuses: nothing is published to a feed.
func (frameSchema) InsertQuery(string, message.Messages) (wsql.Query, error) {
	return wsql.Query{}, errReadOnly
}

// SelectQuery takes the group's place in the log, passing over one that is taken, if
// there are events after it.
func (f frameSchema) SelectQuery(topic, group string, offsets wsql.OffsetsAdapter) wsql.Query {
	next := offsets.NextOffsetQuery(topic, group)
	return wsql.Query{
		Query: `
WITH place AS MATERIALIZED (` + next.Query + `)
SELECT place.position, head.position, head.digest
FROM place, LATERAL (SELECT position, digest FROM events ORDER BY position DESC LIMIT 1) AS head
WHERE head.position > place.position`,
		Args: next.Args,
	}
}

// UnmarshalMessage reads the row of SelectQuery.
func (f frameSchema) UnmarshalMessage(row wsql.Scanner) (wsql.Row, error) {
	var (
		place, head int64
		digest      []byte
	)
	if err := row.Scan(&place, &head, &digest); err != nil {
		return wsql.Row{}, fmt.Errorf("reading place in the log: %w", err)
	}
	last, err := events.HashOf(digest)
	if err != nil {
		return wsql.Row{}, fmt.Errorf("position %d: %w", head, err)
	}
	frame, err := f.read(place, head, last)
	if err != nil {
		return wsql.Row{}, fmt.Errorf("reading after position %d: %w", place, err)
	}
	id := fmt.Sprintf("%d-%d", frame.First, frame.Last)
	payload := frame.Encode()
	return wsql.Row{Offset: frame.Last, UUID: []byte(id), Payload: payload, Msg: message.NewMessage(id, payload)}, nil
}

// SchemaInitializingQueries is empty: migrations make the schema.
func (frameSchema) SchemaInitializingQueries(string) []wsql.Query { return nil }

// SubscribeIsolationLevel suffices because the log is gapless: whatever snapshot
// the events are read in, they are the next ones.
func (frameSchema) SubscribeIsolationLevel() sql.IsolationLevel { return sql.LevelReadCommitted }

// relayOffsets keeps the places of consumer groups in the table relay_offsets.
type relayOffsets struct{}

// NextOffsetQuery locks the group's row, which makes it the only one with a frame
// out. A row that is locked is not waited for, so that nobody blocks a connection.
func (relayOffsets) NextOffsetQuery(_, group string) wsql.Query {
	return wsql.Query{
		Query: `SELECT position FROM relay_offsets WHERE consumer_group = $1 FOR UPDATE SKIP LOCKED`,
		Args:  []any{group},
	}
}

// AckMessageQuery moves the group behind the frame.
func (relayOffsets) AckMessageQuery(_ string, row wsql.Row, group string) wsql.Query {
	return wsql.Query{
		Query: `UPDATE relay_offsets SET position = $2 WHERE consumer_group = $1`,
		Args:  []any{group, row.Offset},
	}
}

// BeforeSubscribingQueries starts a new group before the first event.
func (relayOffsets) BeforeSubscribingQueries(_, group string) []wsql.Query {
	return []wsql.Query{{
		Query: `INSERT INTO relay_offsets (consumer_group, position) VALUES ($1, 0) ON CONFLICT DO NOTHING`,
		Args:  []any{group},
	}}
}

// ConsumedMessageQuery is none: delivery leaves no trace until the ack.
func (relayOffsets) ConsumedMessageQuery(string, wsql.Row, string, []byte) wsql.Query {
	return wsql.Query{}
}

// SchemaInitializingQueries is empty: migrations make the schema.
func (relayOffsets) SchemaInitializingQueries(string) []wsql.Query { return nil }
