package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// EventStore is a ports.EventStore over the tables events and commits.
type EventStore struct{ db *DB }

// EventStore returns the log.
func (db *DB) EventStore() *EventStore { return &EventStore{db} }

const (
	selectEvents = `SELECT position, stream_id, version, type, schema, data, meta, recorded_at, digest FROM events `
	readEvents   = selectEvents + `WHERE position > $1 ORDER BY position LIMIT $2`
)

// Load implements ports.EventStore.
func (s *EventStore) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	stream, err := s.query(ctx, 0, selectEvents+`WHERE stream_id = $1 ORDER BY version`, streamID)
	if err != nil {
		err = fmt.Errorf("loading stream %s: %w", streamID, err)
	}
	return stream, err
}

// loadMany looks each stream up in the index by itself. With stream_id = ANY the
// planner takes to scanning as the table grows, since it cannot know how short
// streams are.
const loadMany = `
	SELECT e.position, e.stream_id, e.version, e.type, e.schema, e.data, e.meta, e.recorded_at, e.digest
	FROM (SELECT DISTINCT unnest($1::text[]) AS id) AS wanted
	CROSS JOIN LATERAL (
		SELECT position, stream_id, version, type, schema, data, meta, recorded_at, digest
		FROM events WHERE stream_id = wanted.id ORDER BY version OFFSET 0
	) AS e`

// LoadMany implements ports.EventStore.
func (s *EventStore) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	all, err := s.query(ctx, 0, loadMany, streamIDs)
	if err != nil {
		err = fmt.Errorf("loading %d streams: %w", len(streamIDs), err)
	}
	streams := make(map[string][]events.Recorded)
	for _, e := range all {
		streams[e.StreamID] = append(streams[e.StreamID], e)
	}
	return streams, err
}

// Read implements ports.EventStore.
func (s *EventStore) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	log, err := s.query(ctx, min(limit, mostAtOnce), readEvents, position, limit)
	if err != nil {
		err = fmt.Errorf("reading after position %d: %w", position, err)
	}
	return log, err
}

// mostAtOnce bounds what is made room for before it is there.
const mostAtOnce = 5000

// query returns events, for about so many of which room is made first.
func (s *EventStore) query(ctx context.Context, about int, sql string, args ...any) ([]events.Recorded, error) {
	recorded, err := s.raw(ctx, about, sql, args...)
	if err != nil {
		return nil, err
	}
	return recorded, events.DecodeAll(recorded)
}

// raw is query without decoding.
func (s *EventStore) raw(ctx context.Context, about int, sql string, args ...any) ([]events.Recorded, error) {
	rows, err := s.db.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	recorded, err := pgx.AppendRows(make([]events.Recorded, 0, about), rows, scanEvent)
	return recorded, unavailable(err)
}

func scanEvent(row pgx.CollectableRow) (events.Recorded, error) {
	var (
		r      events.Recorded
		digest []byte
	)
	err := row.Scan(&r.Position, &r.StreamID, &r.Version, &r.Type, &r.Schema,
		(*[]byte)(&r.RawData), (*[]byte)(&r.RawMeta), &r.RecordedAt, &digest)
	if err != nil {
		return r, err
	}
	r.RecordedAt = r.RecordedAt.UTC()
	if r.Digest, err = events.HashOf(digest); err != nil {
		return r, fmt.Errorf("position %d: %w", r.Position, err)
	}
	return r, nil
}

const selectCommits = `SELECT first_position, last_position, link, recorded_at FROM commits `

// Commits implements ports.EventStore.
func (s *EventStore) Commits(ctx context.Context, position int64, limit int) ([]ports.Commit, error) {
	rows, err := s.db.pool.Query(ctx, selectCommits+`WHERE last_position > $1 ORDER BY last_position LIMIT $2`, position, limit)
	if err == nil {
		var commits []ports.Commit
		if commits, err = pgx.CollectRows(rows, scanCommit); err == nil {
			return commits, nil
		}
	}
	return nil, fmt.Errorf("reading commits after position %d: %w", position, unavailable(err))
}

// Head implements ports.EventStore.
func (s *EventStore) Head(ctx context.Context) (ports.Commit, error) {
	rows, err := s.db.pool.Query(ctx, selectCommits+`ORDER BY first_position DESC LIMIT 1`)
	if err == nil {
		var head ports.Commit
		if head, err = pgx.CollectOneRow(rows, scanCommit); err == nil || errors.Is(err, pgx.ErrNoRows) {
			return head, nil
		}
	}
	return ports.Commit{}, fmt.Errorf("reading head: %w", unavailable(err))
}

func scanCommit(row pgx.CollectableRow) (ports.Commit, error) {
	var (
		c    ports.Commit
		link []byte
	)
	if err := row.Scan(&c.FirstPosition, &c.LastPosition, &link, &c.RecordedAt); err != nil {
		return c, err
	}
	c.RecordedAt = c.RecordedAt.UTC()
	var err error
	c.Link, err = events.HashOf(link)
	return c, err
}

// Changed implements ports.EventStore: commits of every instance are announced,
// while the server can be reached.
func (s *EventStore) Changed() <-chan struct{} { return s.db.changes.wait() }
