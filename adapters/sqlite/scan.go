package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// raw returns the events that a statement over selectEvents gives, not decoded.
func (s *EventStore) raw(ctx context.Context, stmt *sql.Stmt, args ...any) ([]events.Recorded, error) {
	var found []events.Recorded
	err := s.file.query(ctx, stmt, func(rows *sql.Rows) error {
		r, err := scanEvent(rows)
		found = append(found, r)
		return err
	}, args...)
	return found, err
}

// decoded returns the events that a statement over selectEvents gives.
func (s *EventStore) decoded(ctx context.Context, stmt *sql.Stmt, args ...any) ([]events.Recorded, error) {
	found, err := s.raw(ctx, stmt, args...)
	if err != nil {
		return nil, err
	}
	return found, events.DecodeAll(found)
}

func scanEvent(row interface{ Scan(...any) error }) (events.Recorded, error) {
	var (
		r          events.Recorded
		recordedAt string
		digest     []byte
	)
	err := row.Scan(&r.Position, &r.StreamID, &r.Version, &r.Type, &r.Schema,
		(*[]byte)(&r.RawData), (*[]byte)(&r.RawMeta), &recordedAt, &digest)
	if err != nil {
		return r, err
	}
	if r.RecordedAt, err = parseTime(recordedAt); err != nil {
		return r, fmt.Errorf("position %d: %w", r.Position, err)
	}
	if r.Digest, err = events.HashOf(digest); err != nil {
		return r, fmt.Errorf("position %d: %w", r.Position, err)
	}
	return r, nil
}

func scanCommit(row interface{ Scan(...any) error }) (ports.Commit, error) {
	var (
		c          ports.Commit
		recordedAt string
		link       []byte
	)
	err := row.Scan(&c.FirstPosition, &c.LastPosition, &link, &recordedAt)
	if err != nil {
		return c, err
	}
	if c.RecordedAt, err = parseTime(recordedAt); err != nil {
		return c, fmt.Errorf("commit at %d: %w", c.FirstPosition, err)
	}
	if c.Link, err = events.HashOf(link); err != nil {
		return c, fmt.Errorf("commit at %d: %w", c.FirstPosition, err)
	}
	return c, nil
}
