package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports"
)

// table writes the SQL of one view.
type table struct {
	name  string            // quoted
	view  ports.View        //
	types map[string]string // SQL type of each key column, and of id
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// table looks the types of a view's columns up, once. Within a transaction it must
// use its connection: there may be no other left in the pool.
func (v *Views) table(ctx context.Context, db querier, view ports.View) (table, error) {
	v.mu.Lock()
	t, ok := v.tables[view.Name]
	v.mu.Unlock()
	if ok && slices.Equal(t.view.Columns, view.Columns) {
		return t, nil
	}
	t, err := describe(ctx, db, view)
	if err != nil {
		return t, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tables[view.Name] = t
	return t, nil
}

func describe(ctx context.Context, db querier, view ports.View) (table, error) {
	t := table{name: quote(view.Name), view: view, types: make(map[string]string)}
	rows, err := db.Query(ctx, `
		SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`, t.name)
	if err != nil {
		return t, err
	}
	var column, columnType string
	_, err = pgx.ForEachRow(rows, []any{&column, &columnType}, func() error {
		if column == "id" || slices.Contains(view.Columns, column) {
			t.types[column] = columnType
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	if len(t.types) != len(view.Columns)+1 {
		return t, fmt.Errorf("the database has no such view")
	}
	return t, nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// selectRows is what scan reads.
func (t table) selectRows() string {
	return `SELECT ` + strings.Join(t.columns(), ", ") + ` FROM ` + t.name
}

// columns returns id, doc and the key columns, quoted.
func (t table) columns() []string {
	columns := []string{`"id"`, `"doc"`}
	for _, c := range t.view.Columns {
		columns = append(columns, quote(c))
	}
	return columns
}

func (t table) get() string { return t.selectRows() + ` WHERE id = ANY ($1::text[])` }

// put takes an array for each of columns.
func (t table) put() string {
	arrays, updates := []string{"$1::text[]", "$2::json[]"}, []string{"doc = excluded.doc"}
	for i, c := range t.view.Columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+3, t.types[c]))
		updates = append(updates, quote(c)+" = excluded."+quote(c))
	}
	return `INSERT INTO ` + t.name + ` (` + strings.Join(t.columns(), ", ") + `)
		SELECT * FROM unnest(` + strings.Join(arrays, ", ") + `)
		ON CONFLICT (id) DO UPDATE SET ` + strings.Join(updates, ", ")
}

// values returns the values of columns in a row.
func (t table) values(row ports.Row) ([]any, error) {
	if len(row.Keys) != len(t.view.Columns) {
		return nil, fmt.Errorf("row %s: %d keys, want %d", row.ID, len(row.Keys), len(t.view.Columns))
	}
	return append([]any{row.ID, row.Doc}, row.Keys...), nil
}

// columnsOf turns rows into the arguments of put.
func (t table) columnsOf(rows []ports.Row) ([]any, error) {
	ids, docs := make([]string, len(rows)), make([][]byte, len(rows))
	keys := make([][]any, len(t.view.Columns))
	for i := range keys {
		keys[i] = make([]any, len(rows))
	}
	for r, row := range rows {
		if len(row.Keys) != len(keys) {
			return nil, fmt.Errorf("row %s: %d keys, want %d", row.ID, len(row.Keys), len(keys))
		}
		ids[r], docs[r] = row.ID, row.Doc
		for k, key := range row.Keys {
			keys[k][r] = key
		}
	}
	args := []any{ids, docs}
	for _, column := range keys {
		args = append(args, column)
	}
	return args, nil
}

// scan reads a row of selectRows.
func (t table) scan(row pgx.CollectableRow) (ports.Row, error) {
	r := ports.Row{Keys: make([]any, len(t.view.Columns))}
	targets := []any{&r.ID, &r.Doc}
	for i := range r.Keys {
		targets = append(targets, &r.Keys[i])
	}
	if err := row.Scan(targets...); err != nil {
		return r, err
	}
	for i, key := range r.Keys {
		switch key := key.(type) {
		case time.Time:
			r.Keys[i] = key.UTC()
		case int32:
			r.Keys[i] = int64(key)
		}
	}
	return r, nil
}
