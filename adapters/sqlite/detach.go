package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Detach implements ports.Importer.
func (i *Importer) Detach(ctx context.Context, rows ...events.Recorded) error {
	var streams []string
	for _, r := range rows {
		if err := ports.CheckRow(r); err != nil {
			return fmt.Errorf("detaching: %w", err)
		}
		streams = append(streams, r.StreamID)
	}
	list, err := json.Marshal(streams)
	if err != nil {
		return err
	}
	_, err = i.alter(ctx, rows, `UPDATE events SET data = 'null' WHERE position = ? AND digest = ? AND data = ?`, func(ctx context.Context, tx *sql.Tx, changed int) error {
		var left int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE data <> 'null' AND stream_id IN (SELECT value FROM json_each(?))`, string(list)).Scan(&left)
		if err == nil && (left > 0 || changed < len(rows)) {
			err = fmt.Errorf("detaching %d rows: they are not all that the log has of their streams: %w", len(rows), ports.ErrConflict)
		}
		return err
	})
	return err
}

// Attach implements ports.Importer.
func (i *Importer) Attach(ctx context.Context, rows ...events.Recorded) (int, error) {
	for _, r := range rows {
		if err := ports.CheckRow(r); err != nil {
			return 0, fmt.Errorf("attaching: %w", err)
		}
	}
	return i.alter(ctx, rows, `UPDATE events SET data = ?3 WHERE position = ?1 AND digest = ?2 AND data = 'null'`, func(ctx context.Context, tx *sql.Tx, _ int) error {
		stmt, err := tx.PrepareContext(ctx, `SELECT digest = ? FROM events WHERE position = ?`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, r := range rows {
			var same bool
			if err := stmt.QueryRowContext(ctx, r.Digest[:], r.Position).Scan(&same); err != nil {
				return fmt.Errorf("attaching position %d: %w", r.Position, err)
			}
			if !same {
				return fmt.Errorf("attaching position %d: the log has another row there", r.Position)
			}
		}
		return nil
	})
}

// alter runs update for each row, and then check, in a transaction during which no
// trigger refuses it. It returns how many rows were changed.
func (i *Importer) alter(ctx context.Context, rows []events.Recorded, update string, check func(ctx context.Context, tx *sql.Tx, changed int) error) (changed int, err error) {
	if len(rows) == 0 {
		return 0, ctx.Err()
	}
	defer i.store.tail.Drop()
	err = i.store.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var trigger string
		if err := tx.QueryRowContext(ctx, `SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'events_refuse_update'`).Scan(&trigger); err != nil {
			return fmt.Errorf("reading the trigger of the log: %w", err)
		}
		if err := execute(ctx, tx, `DROP TRIGGER events_refuse_update`); err != nil {
			return err
		}
		stmt, err := tx.PrepareContext(ctx, update)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, r := range rows {
			result, err := stmt.ExecContext(ctx, r.Position, r.Digest[:], string(r.RawData))
			if err != nil {
				return fmt.Errorf("changing position %d: %w", r.Position, err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			changed += int(n)
		}
		if err := check(ctx, tx, changed); err != nil {
			return err
		}
		return execute(ctx, tx, trigger)
	})
	return changed, err
}
