package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// viewTx is a ports.ViewTx in the transaction of an Advance. Its statements are
// not interrupted when ctx ends, and its first error is its last: some errors make
// SQLite roll back at once, and what came then would be committed by itself.
type viewTx struct {
	tx  *sql.Tx
	err error
}

// Get implements ports.ViewTx.
func (v *viewTx) Get(ctx context.Context, view ports.View, ids []string) (map[string]ports.Row, error) {
	found := make(map[string]ports.Row)
	err := v.do(ctx, func(ctx context.Context) error {
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		rows, err := v.tx.QueryContext(ctx, selectRows(view)+` WHERE id IN (SELECT value FROM json_each(?))`, string(list))
		if err != nil {
			return err
		}
		return each(rows, func(rows *sql.Rows) error {
			row, err := scanRow(rows, view)
			found[row.ID] = row
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("getting %d rows of %s: %w", len(ids), view.Name, err)
	}
	return found, nil
}

// Put implements ports.ViewTx.
func (v *viewTx) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	return v.write(ctx, view, upsert(view), rows)
}

// Insert implements ports.ViewTx.
func (v *viewTx) Insert(ctx context.Context, view ports.View, rows []ports.Row) error {
	return v.write(ctx, view, insert(view), rows)
}

func (v *viewTx) write(ctx context.Context, view ports.View, statement string, rows []ports.Row) error {
	err := v.do(ctx, func(ctx context.Context) error {
		stmt, err := v.tx.PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, row := range rows {
			if len(row.Keys) != len(view.Columns) {
				return fmt.Errorf("row %s: %d keys, want %d", row.ID, len(row.Keys), len(view.Columns))
			}
			args := []any{row.ID, string(row.Doc)}
			for _, key := range row.Keys {
				args = append(args, stored(key))
			}
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return fmt.Errorf("row %s: %w", row.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing %d rows of %s: %w", len(rows), view.Name, err)
	}
	return nil
}

// Delete implements ports.ViewTx.
func (v *viewTx) Delete(ctx context.Context, view ports.View, ids []string) error {
	err := v.do(ctx, func(ctx context.Context) error {
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		_, err = v.tx.ExecContext(ctx, `DELETE FROM `+quoted(view.Name)+` WHERE id IN (SELECT value FROM json_each(?))`, string(list))
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting %d rows of %s: %w", len(ids), view.Name, err)
	}
	return nil
}

func (v *viewTx) do(ctx context.Context, run func(context.Context) error) error {
	if v.err == nil {
		v.err = ctx.Err()
	}
	if v.err == nil {
		v.err = classify(run(context.WithoutCancel(ctx)))
	}
	return v.err
}

func insert(view ports.View) string {
	columns := []string{`"id"`, `"doc"`}
	for _, c := range view.Columns {
		columns = append(columns, quoted(c))
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s)`,
		quoted(view.Name), strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
}

func upsert(view ports.View) string {
	set := []string{`"doc" = excluded."doc"`}
	for _, c := range view.Columns {
		set = append(set, fmt.Sprintf("%[1]s = excluded.%[1]s", quoted(c)))
	}
	return insert(view) + ` ON CONFLICT (id) DO UPDATE SET ` + strings.Join(set, ", ")
}

// stored returns a key as its column keeps it.
func stored(key any) any {
	if t, ok := key.(time.Time); ok {
		return formatTime(t)
	}
	return key
}

// scanRow reads what selectRows names. The driver gives a time where the column
// is declared TIMESTAMP.
func scanRow(rows *sql.Rows, view ports.View) (ports.Row, error) {
	row := ports.Row{Keys: make([]any, len(view.Columns))}
	into := []any{&row.ID, &row.Doc}
	for i := range row.Keys {
		into = append(into, &row.Keys[i])
	}
	return row, rows.Scan(into...)
}
