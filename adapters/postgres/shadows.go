package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/ports"
)

// MakeShadow implements ports.Shadows. The application's role may create nothing;
// functions of the owner do it for views.
func (v *Views) MakeShadow(ctx context.Context, view ports.View) error {
	if _, err := v.db.pool.Exec(ctx, `SELECT view_shadow_create($1)`, view.Name); err != nil {
		return fmt.Errorf("making a shadow of %s: %w", view.Name, unavailable(err))
	}
	return nil
}

// indexesAtOnce is how many indexes of a shadow are made at the same time, each by one
// processor of the server.
const indexesAtOnce = 2

// IndexShadow implements ports.Shadows. It makes the planner's statistics, too.
func (v *Views) IndexShadow(ctx context.Context, view ports.View) error {
	if err := v.indexShadow(ctx, view); err != nil {
		return fmt.Errorf("indexing the shadow of %s: %w", view.Name, unavailable(err))
	}
	return nil
}

func (v *Views) indexShadow(ctx context.Context, view ports.View) error {
	rows, err := v.db.pool.Query(ctx, missingIndexes, quote(view.Name), quote(view.Shadow().Name))
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(missing) == 0 {
		return err
	}
	ctx = unhurried(ctx)
	making, untilFault := errgroup.WithContext(ctx)
	making.SetLimit(indexesAtOnce)
	for _, index := range missing {
		making.Go(func() error {
			_, err := v.db.pool.Exec(untilFault, `SELECT view_shadow_index($1, $2)`, view.Name, index)
			return err
		})
	}
	if err := making.Wait(); err != nil {
		return err
	}
	_, err = v.db.pool.Exec(ctx, `SELECT view_shadow_analyze($1)`, view.Name)
	return err
}

// missingIndexes are the names of those indexes that a view has and its shadow, if there
// is one, lacks.
const missingIndexes = `
	WITH indexes AS (
		SELECT i.indrelid, c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .* ON .* USING', '\1') AS shape
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisprimary
	)
	SELECT live.relname::text FROM indexes live
	WHERE live.indrelid = to_regclass($1) AND to_regclass($2) IS NOT NULL AND NOT EXISTS (
		SELECT FROM indexes made WHERE made.indrelid = to_regclass($2) AND made.shape = live.shape)`

// lockNotAvailable is what a swap ends with while somebody reads the view for long.
const lockNotAvailable = "55P03"

// Swap implements ports.Shadows. It makes the shadow's indexes first, unless an
// earlier Swap has: by then the shadow is often behind, and has to be filled again
// before it succeeds. Statements prepared for the old table are
// planned anew by the server, since the columns are the same.
func (v *Views) Swap(ctx context.Context, projection string, view ports.View) error {
	if err := v.IndexShadow(ctx, view); err != nil {
		return err
	}
	var swapped bool
	err := v.db.pool.QueryRow(ctx, `SELECT view_shadow_swap($1, $2)`, view.Name, projection).Scan(&swapped)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == lockNotAvailable {
		return fmt.Errorf("swapping %s: it is being read: %w", view.Name, ports.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("swapping %s: %w", view.Name, unavailable(err))
	}
	if !swapped {
		return fmt.Errorf("swapping %s: the shadow is behind: %w", view.Name, ports.ErrConflict)
	}
	return nil
}

// DropShadow implements ports.Shadows.
func (v *Views) DropShadow(ctx context.Context, projection string, view ports.View) error {
	if _, err := v.db.pool.Exec(ctx, `SELECT view_shadow_drop($1, $2)`, view.Name, projection); err != nil {
		return fmt.Errorf("dropping the shadow of %s: %w", view.Name, unavailable(err))
	}
	return nil
}

// Snapshot implements ports.Views in a transaction that sees one state of the
// database. The table is locked, against a swap alone, before that state is taken:
// what has its name afterwards would be another's rows.
func (v *Views) Snapshot(ctx context.Context, projection string, view ports.View, read func(ports.ViewSnapshot) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	tx, err := v.db.pool.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("reading a snapshot of %s: %w", view.Name, unavailable(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	s := snapshot{tx: tx, view: view}
	if _, err = tx.Exec(ctx, `LOCK TABLE `+quote(view.Name)+` IN ACCESS SHARE MODE`); err == nil {
		err = tx.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM projection_checkpoints WHERE projection = $1`, projection).
			Scan(&s.checkpoint)
	}
	if err == nil {
		s.table, err = v.table(ctx, tx, view)
	}
	if err != nil {
		return fmt.Errorf("reading a snapshot of %s: %w", view.Name, unavailable(err))
	}
	return read(s)
}

// snapshot is the ports.ViewSnapshot of one transaction.
type snapshot struct {
	tx         pgx.Tx
	view       ports.View
	table      table
	checkpoint int64
}

// Checkpoint implements ports.ViewSnapshot.
func (s snapshot) Checkpoint() int64 { return s.checkpoint }

// Find implements ports.ViewSnapshot.
func (s snapshot) Find(ctx context.Context, q ports.Query) ([]ports.Row, error) {
	rows, err := s.table.query(ctx, s.tx, q)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", s.view.Name, unavailable(err))
	}
	return rows, nil
}
