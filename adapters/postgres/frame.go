package postgres

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v3/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
)

// frameSchema makes the events table a topic whose messages are frames.
type frameSchema struct{ size int }

var errReadOnly = errors.New("the log is appended to through the event store")

// InsertQuery refuses: nothing is published to a feed.
func (frameSchema) InsertQuery(string, message.Messages) (wsql.Query, error) {
	return wsql.Query{}, errReadOnly
}

// SelectQuery takes the group's place in the log, passing over one that is taken,
// and makes one row of the events after it: first and last position, and the JSON
// of a ports.EventFrame. Strings are put together because data and meta must
// remain the bytes that the digest covers, and because it is quick.
func (f frameSchema) SelectQuery(topic, group string, offsets wsql.OffsetsAdapter) wsql.Query {
	next := offsets.NextOffsetQuery(topic, group)
	return wsql.Query{
		Query: `
WITH place AS MATERIALIZED (` + next.Query + `),
frame AS (
	SELECT * FROM events
	WHERE position > (SELECT position FROM place)
	ORDER BY position
	LIMIT ` + strconv.Itoa(f.size) + `
)
SELECT min(position), max(position),
	'{"first":' || min(position) || ',"last":' || max(position) || ',"events":[' || string_agg(
		'{"position":' || position || ',"stream_id":' || to_json(stream_id) || ',"version":' || version ||
		',"type":' || to_json(type) || ',"schema":' || schema || ',"data":' || data || ',"meta":' || meta ||
		',"recorded_at":"' || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ||
		'","digest":"' || encode(digest, 'hex') || '"}', ',' ORDER BY position) || ']}'
FROM frame
HAVING count(*) > 0`,
		Args: next.Args,
	}
}

// UnmarshalMessage reads the row of SelectQuery.
func (frameSchema) UnmarshalMessage(row wsql.Scanner) (wsql.Row, error) {
	var (
		first, last int64
		payload     []byte
	)
	if err := row.Scan(&first, &last, &payload); err != nil {
		return wsql.Row{}, fmt.Errorf("reading frame: %w", err)
	}
	id := fmt.Sprintf("%d-%d", first, last)
	return wsql.Row{Offset: last, UUID: []byte(id), Payload: payload, Msg: message.NewMessage(id, payload)}, nil
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
