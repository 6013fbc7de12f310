package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports"
)

// Views is a ports.Views over one table for each view.
type Views struct {
	db *DB

	mu     sync.Mutex
	tables map[string]table // by name, once used
}

// Views returns the rows of the projections.
func (db *DB) Views() *Views { return &Views{db: db, tables: make(map[string]table)} }

// Checkpoint implements ports.Views.
func (v *Views) Checkpoint(ctx context.Context, projection string) (int64, error) {
	var position int64
	err := v.db.pool.QueryRow(ctx,
		`SELECT position FROM projection_checkpoints WHERE projection = $1`, projection).Scan(&position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("reading checkpoint of %s: %w", projection, unavailable(err))
	}
	return position, nil
}

// disposable transactions do not wait for the disk: what a crash of the server
// takes from a view it takes from the checkpoint, too, and the log has it. Their rows
// they find by primary key: a plan from when a table was small would read all of it,
// for each of the ids.
var disposable = pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off"}

// Advance implements ports.Views. The projection's checkpoint row is the lock.
func (v *Views) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	tx, err := v.db.pool.BeginTx(ctx, disposable)
	if err != nil {
		return fmt.Errorf("advancing %s: %w", projection, unavailable(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after Commit
	position, err := lockCheckpoint(ctx, tx, projection)
	if err != nil {
		return fmt.Errorf("locking checkpoint of %s: %w", projection, unavailable(err))
	}
	if position, err = apply(viewTx{v, tx}, position); err != nil {
		return err
	}
	_, err = tx.Exec(ctx,
		`UPDATE projection_checkpoints SET position = $2 WHERE projection = $1`, projection, position)
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return fmt.Errorf("advancing %s to %d: %w", projection, position, unavailable(err))
	}
	return nil
}

func lockCheckpoint(ctx context.Context, tx pgx.Tx, projection string) (position int64, err error) {
	const lock = `SELECT position FROM projection_checkpoints WHERE projection = $1 FOR UPDATE`
	err = tx.QueryRow(ctx, lock, projection).Scan(&position)
	if !errors.Is(err, pgx.ErrNoRows) {
		return position, err
	}
	_, err = tx.Exec(ctx,
		`INSERT INTO projection_checkpoints (projection, position) VALUES ($1, 0) ON CONFLICT DO NOTHING`, projection)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, lock, projection).Scan(&position)
	return position, err
}

// Pass implements ports.Views. Rows are locked in order, so that two that pass do
// not wait for each other. A projection without a row stands at 0.
func (v *Views) Pass(ctx context.Context, projections []string, from, to int64) ([]string, error) {
	behind, err := v.pass(ctx, projections, from, to)
	if err != nil {
		return nil, fmt.Errorf("passing to %d: %w", to, unavailable(err))
	}
	return behind, nil
}

func (v *Views) pass(ctx context.Context, projections []string, from, to int64) (behind []string, err error) {
	const pass = `
		WITH here AS (
			SELECT projection, position FROM projection_checkpoints
			WHERE projection = ANY ($1) ORDER BY projection FOR UPDATE
		), moved AS (
			UPDATE projection_checkpoints c SET position = $3 FROM here
			WHERE c.projection = here.projection AND here.position >= $2 AND here.position < $3
		)
		SELECT name FROM unnest($1::text[]) name LEFT JOIN here ON here.projection = name
		WHERE coalesce(here.position, 0) < $2`
	err = pgx.BeginTxFunc(ctx, v.db.pool, disposable, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, pass, projections, from, to)
		if err == nil {
			behind, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return behind, err
}

// Find implements ports.Views.
func (v *Views) Find(ctx context.Context, view ports.View, q ports.Query) ([]ports.Row, error) {
	rows, err := v.find(ctx, view, q)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", view.Name, unavailable(err))
	}
	return rows, nil
}

func (v *Views) find(ctx context.Context, view ports.View, q ports.Query) ([]ports.Row, error) {
	t, err := v.table(ctx, v.db.pool, view)
	if err != nil {
		return nil, err
	}
	return t.query(ctx, v.db.pool, q)
}

// Count implements ports.Views.
func (v *Views) Count(ctx context.Context, view ports.View, column string, where ...ports.Condition) (map[string]int64, error) {
	counts, err := v.count(ctx, view, column, where)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", view.Name, unavailable(err))
	}
	return counts, nil
}

func (v *Views) count(ctx context.Context, view ports.View, column string, where []ports.Condition) (map[string]int64, error) {
	t, err := v.table(ctx, v.db.pool, view)
	if err != nil {
		return nil, err
	}
	sql, args, err := t.count(column, where)
	if err != nil {
		return nil, err
	}
	rows, err := v.db.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64)
	var (
		value string
		n     int64
	)
	_, err = pgx.ForEachRow(rows, []any{&value, &n}, func() error {
		counts[value] = n
		return nil
	})
	return counts, err
}

// Sum implements ports.Views.
func (v *Views) Sum(ctx context.Context, view ports.View, s ports.Sum, where ...ports.Condition) (rows, sum int64, err error) {
	t, err := v.table(ctx, v.db.pool, view)
	if err == nil {
		var sql string
		var args []any
		if sql, args, err = t.sum(s, where); err == nil {
			err = v.db.pool.QueryRow(ctx, sql, args...).Scan(&rows, &sum)
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("summing %s: %w", view.Name, unavailable(err))
	}
	return rows, sum, nil
}
