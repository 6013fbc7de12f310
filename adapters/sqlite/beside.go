package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pro-sms/prosms/migrations"
	"github.com/pro-sms/prosms/ports"
)

// errReadOnly says that the log was opened beside another process.
var errReadOnly = errors.New("the log was opened for reading only")

// openBeside is open without the lock: SQLite itself lets many processes read
// while one writes, and takes turns among those that write views.
func (d *DB) openBeside(ctx context.Context, path string, readers int) (err error) {
	for _, file := range []string{path, viewsPath(path)} {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
		}
	}
	if d.log, err = openReading(path, max(readers, 4)); err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	if err := checkSchema(ctx, d.log.readers, migrations.SQLite, "sqlite/log"); err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	if d.views, err = connect(viewsPath(path), "NORMAL", max(readers, 4)); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	if err := checkSchema(ctx, d.views.readers, migrations.SQLite, "sqlite/views"); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	d.store, err = newEventStore(ctx, d.log)
	return err
}

// openReading opens a file that has no writing connection here.
func openReading(path string, readers int) (*file, error) {
	f := &file{path: path}
	var err error
	f.readers, err = pool(path, readers, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}})
	return f, err
}

// Scratch is a place for views that nobody else sees: a replay for comparison, or
// of a past moment. It is a file, so that its size is not that of the memory, in a
// folder for its owner alone, which stays behind where the process is killed.
type Scratch struct {
	file   *file
	folder string
}

// OpenScratch makes an empty Scratch in a temporary folder.
func OpenScratch(ctx context.Context) (*Scratch, error) {
	folder, err := os.MkdirTemp("", "prosms-scratch-")
	if err != nil {
		return nil, fmt.Errorf("making a scratch folder: %w", err)
	}
	// OFF: what a crash leaves is never read again.
	f, err := openFile(ctx, filepath.Join(folder, "views.db"), "OFF", 2, migrations.SQLite, "sqlite/views")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening scratch: %w", err), os.RemoveAll(folder))
	}
	if err := f.transact(ctx, dropIndexes); err != nil {
		return nil, errors.Join(fmt.Errorf("opening scratch: %w", err), f.close(), os.RemoveAll(folder))
	}
	return &Scratch{f, folder}, nil
}

// dropIndexes leaves the primary keys: a scratch is filled once and read in order.
func dropIndexes(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`)
	if err != nil {
		return err
	}
	var statements []string
	err = each(rows, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		statements = append(statements, "DROP INDEX "+quoted(name))
		return err
	})
	return errors.Join(err, execute(ctx, tx, statements...))
}

// Views returns the views, all of them empty at first.
func (s *Scratch) Views() *Views { return &Views{s.file} }

// Close deletes everything.
func (s *Scratch) Close() error { return errors.Join(s.file.close(), os.RemoveAll(s.folder)) }
