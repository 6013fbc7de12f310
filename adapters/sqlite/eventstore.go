package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/tail"
)

// EventStore is the log in its file. Appends take turns; readers do not wait for
// them, and see an append as soon as it has returned.
type EventStore struct {
	file    *file
	changed signal
	tail    tail.Tail
	clock   func() time.Time

	load, loadMany, read, commits, head *sql.Stmt // of the readers
	tip, versions, insert, link, keep   *sql.Stmt // of the writer
}

const (
	selectEvents = `SELECT position, stream_id, version, type, schema, data, meta, recorded_at, digest FROM events `
	selectCommit = `SELECT first_position, last_position, link, recorded_at FROM commits `
	lastCommit   = selectCommit + `ORDER BY first_position DESC LIMIT 1`
)

func newEventStore(ctx context.Context, f *file) (*EventStore, error) {
	s := &EventStore{file: f, clock: time.Now}
	var failed []error
	prepare := func(db *sql.DB, query string) *sql.Stmt {
		stmt, err := db.PrepareContext(ctx, query)
		failed = append(failed, err)
		return stmt
	}
	s.load = prepare(f.readers, selectEvents+`WHERE stream_id = ? ORDER BY version`)
	s.loadMany = prepare(f.readers, selectEvents+`WHERE stream_id IN (SELECT value FROM json_each(?)) ORDER BY stream_id, version`)
	s.read = prepare(f.readers, selectEvents+`WHERE position > ? ORDER BY position LIMIT ?`)
	s.commits = prepare(f.readers, selectCommit+`WHERE last_position > ? ORDER BY last_position LIMIT ?`)
	s.head = prepare(f.readers, lastCommit)
	if f.writer == nil {
		return s, errors.Join(failed...)
	}
	s.tip = prepare(f.writer, lastCommit)
	s.versions = prepare(f.writer, `SELECT value, (SELECT max(version) FROM events WHERE stream_id = value) FROM json_each(?)`)
	s.insert = prepare(f.writer, `INSERT INTO events (position, stream_id, version, type, schema, data, meta, recorded_at, digest)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	s.link = prepare(f.writer, `INSERT INTO commits (first_position, last_position, link, recorded_at) VALUES (?, ?, ?, ?)`)
	s.keep = prepare(f.writer, `INSERT INTO keyring (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING`)
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("preparing statements: %w", classify(err))
	}
	return s, nil
}

// Load implements ports.EventStore.
func (s *EventStore) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	stream, err := s.decoded(ctx, s.load, streamID)
	if err != nil {
		err = fmt.Errorf("loading stream %s: %w", streamID, err)
	}
	return stream, err
}

// LoadMany implements ports.EventStore.
func (s *EventStore) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	list, err := json.Marshal(streamIDs)
	if err != nil {
		return nil, fmt.Errorf("loading %d streams: %w", len(streamIDs), err)
	}
	found, err := s.decoded(ctx, s.loadMany, string(list))
	if err != nil {
		err = fmt.Errorf("loading %d streams: %w", len(streamIDs), err)
	}
	streams := make(map[string][]events.Recorded)
	for _, r := range found {
		streams[r.StreamID] = append(streams[r.StreamID], r)
	}
	return streams, err
}

// Read implements ports.EventStore.
func (s *EventStore) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := s.decoded(ctx, s.read, position, max(limit, 0))
	if err != nil {
		err = fmt.Errorf("reading after position %d: %w", position, err)
	}
	return page, err
}

// Commits implements ports.EventStore.
func (s *EventStore) Commits(ctx context.Context, position int64, limit int) ([]ports.Commit, error) {
	var commits []ports.Commit
	err := s.file.query(ctx, s.commits, func(rows *sql.Rows) error {
		c, err := scanCommit(rows)
		commits = append(commits, c)
		return err
	}, position, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("reading commits after position %d: %w", position, err)
	}
	return commits, nil
}

// Head implements ports.EventStore.
func (s *EventStore) Head(ctx context.Context) (ports.Commit, error) {
	head, err := scanCommit(s.head.QueryRowContext(ctx))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ports.Commit{}, fmt.Errorf("reading head: %w", s.file.classify(err))
	}
	return head, nil
}

// Changed implements ports.EventStore; the channel is closed by the next commit.
func (s *EventStore) Changed() <-chan struct{} { return s.changed.wait() }
