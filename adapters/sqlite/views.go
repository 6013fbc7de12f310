package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// Views keeps views and checkpoints in the file of the views. Advances of all
// projections take turns; readers do not wait for them.
type Views struct{ file *file }

// Views returns the views of the database.
func (d *DB) Views() *Views { return &Views{d.views} }

// Checkpoint implements ports.Views.
func (v *Views) Checkpoint(ctx context.Context, projection string) (int64, error) {
	position, err := checkpoint(ctx, v.file.readers, projection)
	if err != nil {
		return 0, fmt.Errorf("reading checkpoint of %s: %w", projection, v.file.classify(err))
	}
	return position, nil
}

// Advance implements ports.Views. While apply runs no other projection advances
// and no feed records an ack; it must not call Advance itself.
func (v *Views) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	var applyErr error
	err := v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		from, err := checkpoint(ctx, tx, projection)
		if err != nil {
			return err
		}
		view := &viewTx{tx: tx}
		to, err := apply(view, from)
		if err != nil {
			applyErr = err
			return err
		}
		if view.err != nil {
			return view.err
		}
		return moveCheckpoint(ctx, tx, projection, to)
	})
	if applyErr != nil {
		return applyErr
	}
	if err != nil {
		return fmt.Errorf("advancing %s: %w", projection, err)
	}
	return nil
}

// Pass implements ports.Views.
func (v *Views) Pass(ctx context.Context, projections []string, from, to int64) (behind []string, err error) {
	err = v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		behind = nil
		for _, projection := range projections {
			at, err := checkpoint(ctx, tx, projection)
			switch {
			case err != nil:
				return err
			case at < from:
				behind = append(behind, projection)
			case at < to:
				if err := moveCheckpoint(ctx, tx, projection, to); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("passing to %d: %w", to, err)
	}
	return behind, nil
}

func moveCheckpoint(ctx context.Context, tx *sql.Tx, projection string, to int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO projection_checkpoints (projection, position) VALUES (?, ?)
		ON CONFLICT (projection) DO UPDATE SET position = excluded.position`, projection, to)
	return err
}

// Find implements ports.Views.
func (v *Views) Find(ctx context.Context, view ports.View, q ports.Query) ([]ports.Row, error) {
	return v.find(ctx, v.file.readers, view, q)
}

func (v *Views) find(ctx context.Context, db querier, view ports.View, q ports.Query) ([]ports.Row, error) {
	statement, args, err := selection(view, q)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, err)
	}
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, v.file.classify(err))
	}
	var found []ports.Row
	err = each(rows, func(rows *sql.Rows) error {
		row, err := scanRow(rows, view)
		found = append(found, row)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, v.file.classify(err))
	}
	return found, nil
}

// Count implements ports.Views.
func (v *Views) Count(ctx context.Context, view ports.View, column string, where ...ports.Condition) (map[string]int64, error) {
	statement, args, err := counting(view, column, where)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, err)
	}
	rows, err := v.file.readers.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, v.file.classify(err))
	}
	counts := make(map[string]int64)
	err = each(rows, func(rows *sql.Rows) error {
		var value string
		var n int64
		err := rows.Scan(&value, &n)
		counts[value] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, v.file.classify(err))
	}
	return counts, nil
}

// Sum implements ports.Views.
func (v *Views) Sum(ctx context.Context, view ports.View, s ports.Sum, where ...ports.Condition) (rows, sum int64, err error) {
	statement, args, err := summing(view, s, where)
	if err == nil {
		err = v.file.readers.QueryRowContext(ctx, statement, args...).Scan(&rows, &sum)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("summing %s: %w", view.Name, v.file.classify(err))
	}
	return rows, sum, nil
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func checkpoint(ctx context.Context, q querier, projection string) (position int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT position FROM projection_checkpoints WHERE projection = ?`, projection).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return position, err
}
