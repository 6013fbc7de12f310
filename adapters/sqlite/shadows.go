package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/ports"
)

// MakeShadow implements ports.Shadows: the statement that made the view makes its
// shadow, under another name. Its indexes are made once it is filled.
func (v *Views) MakeShadow(ctx context.Context, view ports.View) error {
	err := v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		made, err := statementsOf(ctx, tx, view.Shadow().Name)
		if err != nil || len(made) > 0 {
			return err
		}
		statements, err := statementsOf(ctx, tx, view.Name)
		if err != nil {
			return err
		}
		if len(statements) == 0 {
			return fmt.Errorf("the database has no such view")
		}
		return execute(ctx, tx, shadowed(statements[0], view))
	})
	if err != nil {
		return fmt.Errorf("making a shadow of %s: %w", view.Name, err)
	}
	return nil
}

// statementsOf returns what made a table and its indexes, the table first.
func statementsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT sql FROM sqlite_schema
		WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC, name`, table)
	if err != nil {
		return nil, err
	}
	var statements []string
	err = each(rows, func(rows *sql.Rows) error {
		var statement string
		err := rows.Scan(&statement)
		statements = append(statements, statement)
		return err
	})
	return statements, err
}

var (
	createTable = regexp.MustCompile(`(?i)^CREATE TABLE\s+("[^"]+"|\w+)`)
	createIndex = regexp.MustCompile(`(?i)^(CREATE (?:UNIQUE )?INDEX)\s+("[^"]+"|\w+)\s+ON\s+("[^"]+"|\w+)`)
)

// shadowed rewrites a statement that made view for its shadow. SQLite cannot
// rename an index, and names are unique: those of the tables that follow each
// other alternate, with and without "_b".
func shadowed(statement string, view ports.View) string {
	shadow := quoted(view.Shadow().Name)
	if m := createIndex.FindStringSubmatch(statement); m != nil {
		name := strings.Trim(m[2], `"`)
		if cut, ok := strings.CutSuffix(name, "_b"); ok {
			name = cut
		} else {
			name += "_b"
		}
		return m[1] + " " + quoted(name) + " ON " + shadow + statement[len(m[0]):]
	}
	return "CREATE TABLE " + shadow + createTable.ReplaceAllString(statement, "")
}

// index makes an index that the view has and the shadow lacks, and reports whether
// there was one. Each has a transaction of its own, so that whoever advances a view
// gets a turn in between.
func (v *Views) index(ctx context.Context, view ports.View) (bool, error) {
	made := false
	err := v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		live, err := statementsOf(ctx, tx, view.Name)
		if err != nil || len(live) == 0 {
			return err
		}
		shadow, err := statementsOf(ctx, tx, view.Shadow().Name)
		if err != nil || len(shadow) == 0 {
			return err
		}
		for _, statement := range live[1:] {
			if statement = shadowed(statement, view); !slices.Contains(shadow, statement) {
				made = true
				return execute(ctx, tx, statement)
			}
		}
		return nil
	})
	return made, err
}

// IndexShadow implements ports.Shadows.
func (v *Views) IndexShadow(ctx context.Context, view ports.View) error {
	for more := true; more; {
		var err error
		if more, err = v.index(ctx, view); err != nil {
			return fmt.Errorf("indexing the shadow of %s: %w", view.Name, err)
		}
	}
	return nil
}

// Swap implements ports.Shadows. It makes the shadow's indexes first. Readers see the old rows until it is committed,
// and the new ones then.
func (v *Views) Swap(ctx context.Context, projection string, view ports.View) error {
	if err := v.IndexShadow(ctx, view); err != nil {
		return err
	}
	err := v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		live, err := checkpoint(ctx, tx, projection)
		if err != nil {
			return err
		}
		shadow, err := checkpoint(ctx, tx, ports.ShadowOf(projection))
		if err != nil {
			return err
		}
		if shadow < live {
			return fmt.Errorf("the shadow is at %d, the view at %d: %w", shadow, live, ports.ErrConflict)
		}
		return execute(ctx, tx,
			`DROP TABLE `+quoted(view.Name),
			`ALTER TABLE `+quoted(view.Shadow().Name)+` RENAME TO `+quoted(view.Name),
			fmt.Sprintf(`INSERT INTO projection_checkpoints (projection, position) VALUES (%s, %d)
				ON CONFLICT (projection) DO UPDATE SET position = excluded.position`, literal(projection), shadow),
			`DELETE FROM projection_checkpoints WHERE projection = `+literal(ports.ShadowOf(projection)))
	})
	if err != nil {
		return fmt.Errorf("swapping %s: %w", view.Name, err)
	}
	return nil
}

// DropShadow implements ports.Shadows.
func (v *Views) DropShadow(ctx context.Context, projection string, view ports.View) error {
	err := v.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return execute(ctx, tx,
			`DROP TABLE IF EXISTS `+quoted(view.Shadow().Name),
			`DELETE FROM projection_checkpoints WHERE projection = `+literal(ports.ShadowOf(projection)))
	})
	if err != nil {
		return fmt.Errorf("dropping the shadow of %s: %w", view.Name, err)
	}
	return nil
}

func execute(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }

// Snapshot implements ports.Views in a transaction of a reading connection.
func (v *Views) Snapshot(ctx context.Context, projection string, view ports.View, read func(ports.ViewSnapshot) error) error {
	tx, err := v.file.readers.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("reading a snapshot of %s: %w", view.Name, v.file.classify(err))
	}
	defer tx.Rollback() // it has only read
	at, err := checkpoint(ctx, tx, projection)
	if err != nil {
		return fmt.Errorf("reading a snapshot of %s: %w", view.Name, v.file.classify(err))
	}
	return read(snapshot{v, tx, view, at})
}

// snapshot is the ports.ViewSnapshot of one transaction.
type snapshot struct {
	views *Views
	tx    *sql.Tx
	view  ports.View
	at    int64
}

// Checkpoint implements ports.ViewSnapshot.
func (s snapshot) Checkpoint() int64 { return s.at }

// Find implements ports.ViewSnapshot.
func (s snapshot) Find(ctx context.Context, q ports.Query) ([]ports.Row, error) {
	return s.views.find(ctx, s.tx, s.view, q)
}
