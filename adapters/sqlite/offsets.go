package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Position returns the last position that a consumer group has acked; 0 for none.
func (d *DB) Position(ctx context.Context, group string) (position int64, err error) {
	row := d.views.readers.QueryRowContext(ctx, `SELECT position FROM relay_offsets WHERE consumer_group = ?`, group)
	if err := row.Scan(&position); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading offset of %s: %w", group, d.views.classify(err))
	}
	return position, nil
}

func (d *DB) moveOffset(ctx context.Context, group string, position int64) error {
	err := d.views.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO relay_offsets (consumer_group, position) VALUES (?, ?)
			ON CONFLICT (consumer_group) DO UPDATE SET position = excluded.position`, group, position)
		return err
	})
	if err != nil {
		return fmt.Errorf("moving offset of %s to %d: %w", group, position, err)
	}
	return nil
}
