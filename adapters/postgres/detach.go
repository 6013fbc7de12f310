package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Detach implements ports.Importer. It takes its turn with those who append, and
// nobody who reads waits for it.
func (i *Importer) Detach(ctx context.Context, rows ...events.Recorded) error {
	return i.alter(ctx, rows, func(tx pgx.Tx, r columns) error {
		tag, err := tx.Exec(ctx, `UPDATE events e SET data = 'null'
			FROM unnest($1::bigint[], $2::bytea[], $3::text[]) AS r(position, digest, data)
			WHERE e.position = r.position AND e.digest = r.digest AND e.data::text = r.data`, r.positions, r.digests, r.data)
		if err != nil {
			return fmt.Errorf("detaching: %w", err)
		}
		var left int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM events WHERE stream_id = ANY ($1) AND data::text <> 'null'`, r.streams).Scan(&left); err != nil {
			return fmt.Errorf("detaching: %w", err)
		}
		if left > 0 || tag.RowsAffected() < int64(len(rows)) {
			return fmt.Errorf("detaching %d rows: they are not all that the log has of their streams: %w", len(rows), ports.ErrConflict)
		}
		return nil
	})
}

// Attach implements ports.Importer, as Detach does.
func (i *Importer) Attach(ctx context.Context, rows ...events.Recorded) (changed int, err error) {
	err = i.alter(ctx, rows, func(tx pgx.Tx, r columns) error {
		var same int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM events e
			JOIN unnest($1::bigint[], $2::bytea[]) AS r(position, digest) USING (position, digest)`, r.positions, r.digests).Scan(&same); err != nil {
			return fmt.Errorf("attaching: %w", err)
		}
		if same < len(rows) {
			return fmt.Errorf("attaching positions %d to %d: the log has other rows there", rows[0].Position, rows[len(rows)-1].Position)
		}
		tag, err := tx.Exec(ctx, `UPDATE events e SET data = r.data::json
			FROM unnest($1::bigint[], $2::text[]) AS r(position, data)
			WHERE e.position = r.position AND e.data::text = 'null'`, r.positions, r.data)
		changed = int(tag.RowsAffected())
		return err
	})
	return changed, err
}

// columns are rows as a statement takes them.
type columns struct {
	positions []int64
	streams   []string
	digests   [][]byte
	data      []string
}

// alter runs change in a transaction during which no trigger refuses it. Whoever
// appends meanwhile waits: the owner's ALTER TABLE locks them out.
func (i *Importer) alter(ctx context.Context, rows []events.Recorded, change func(pgx.Tx, columns) error) error {
	if len(rows) == 0 {
		return ctx.Err()
	}
	var c columns
	for _, r := range rows {
		if err := ports.CheckRow(r); err != nil {
			return fmt.Errorf("changing payloads: %w", err)
		}
		c.positions, c.streams = append(c.positions, r.Position), append(c.streams, r.StreamID)
		c.digests, c.data = append(c.digests, r.Digest[:]), append(c.data, string(r.RawData))
	}
	err := pgx.BeginFunc(ctx, i.conn, func(tx pgx.Tx) error {
		for _, statement := range []string{
			`SELECT pg_advisory_xact_lock(7241390056218843)`, // that of append_events
			`ALTER TABLE events DISABLE TRIGGER append_only`,
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("opening the log: %w", err)
			}
		}
		if err := change(tx, c); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `ALTER TABLE events ENABLE ALWAYS TRIGGER append_only`)
		return err
	})
	return unavailable(err)
}
