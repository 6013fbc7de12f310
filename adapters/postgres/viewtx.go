package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports"
)

// viewTx is the ports.ViewTx of one Advance.
type viewTx struct {
	views *Views
	tx    pgx.Tx
}

// Get implements ports.ViewTx.
func (v viewTx) Get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	rows, err := v.get(ctx, view, ids)
	if err != nil {
		return nil, fmt.Errorf("getting %d rows of %s: %w", len(ids), view.Name, unavailable(err))
	}
	return rows, nil
}

func (v viewTx) get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	t, err := v.views.table(ctx, v.tx, view)
	if err != nil {
		return nil, err
	}
	rows, err := v.tx.Query(ctx, t.get(), ids)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, t.scan)
	byID := make(map[string]ports.Row, len(found))
	for _, row := range found {
		byID[row.ID] = row
	}
	return byID, err
}

// Put implements ports.ViewTx: one statement, however many rows.
func (v viewTx) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	if len(rows) == 0 {
		return nil
	}
	t, err := v.views.table(ctx, v.tx, view)
	if err == nil {
		var columns []any
		if columns, err = t.columnsOf(lastOfEach(rows)); err == nil {
			_, err = v.tx.Exec(ctx, t.put(), columns...)
		}
	}
	if err != nil {
		return fmt.Errorf("putting %d rows of %s: %w", len(rows), view.Name, unavailable(err))
	}
	return nil
}

// Insert implements ports.ViewTx, by COPY.
func (v viewTx) Insert(ctx context.Context, view ports.View, rows []ports.Row) error {
	t, err := v.views.table(ctx, v.tx, view)
	if err == nil {
		_, err = v.tx.CopyFrom(ctx, pgx.Identifier{view.Name}, append([]string{"id", "doc"}, view.Columns...),
			pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return t.values(rows[i]) }))
	}
	if err != nil {
		return fmt.Errorf("inserting %d rows of %s: %w", len(rows), view.Name, unavailable(err))
	}
	return nil
}

// Delete implements ports.ViewTx.
func (v viewTx) Delete(ctx context.Context, view ports.View, ids []string) error {
	if _, err := v.tx.Exec(ctx, `DELETE FROM `+quote(view.Name)+` WHERE id = ANY ($1)`, ids); err != nil {
		return fmt.Errorf("deleting %d rows of %s: %w", len(ids), view.Name, unavailable(err))
	}
	return nil
}

// lastOfEach leaves the last row of each id: one statement cannot replace a row twice.
func lastOfEach(rows []ports.Row) []ports.Row {
	at := make(map[string]int, len(rows))
	kept := make([]ports.Row, 0, len(rows))
	for _, row := range rows {
		if i, ok := at[row.ID]; ok {
			kept[i] = row
			continue
		}
		at[row.ID] = len(kept)
		kept = append(kept, row)
	}
	return kept
}
