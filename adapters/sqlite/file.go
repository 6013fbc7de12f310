package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	driver "modernc.org/sqlite"

	"github.com/pro-sms/prosms/ports"
)

// file is one database file: one connection that writes, several that read.
// SQLite lets one transaction write at a time; a second writing connection would
// only make it wait in less orderly a fashion than the queue of the first.
type file struct {
	path    string
	writer  *sql.DB // never more than one connection
	readers *sql.DB // see the state of the last commit, and are not kept waiting by it
	closed  atomic.Bool
}

// openFile opens or creates the file at path, readable by its owner only, and
// applies the migrations in folder of schema.
func openFile(ctx context.Context, path, synchronous string, readers int, schema fs.FS, folder string) (*file, error) {
	if readers <= 0 {
		readers = 4
	}
	// SQLite would let everybody read it. Its -wal and -shm files get the same mode.
	created, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unopened(err)
	}
	if err := created.Close(); err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
	}
	f, err := connect(path, synchronous, readers)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, f.writer, schema, folder); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// connect makes the connections of a file that is there.
func connect(path, synchronous string, readers int) (*file, error) {
	syncData()
	f := &file{path: path}
	var err error
	if f.writer, err = pool(path, 1, url.Values{
		"_txlock": {"immediate"}, // a transaction that reads first could not write afterwards: SQLITE_BUSY_SNAPSHOT
		"_pragma": {
			"busy_timeout(5000)", // ms; for who looks into the file with another tool, or rebuilds a view
			"journal_mode(WAL)",
			"synchronous(" + synchronous + ")",
			"journal_size_limit(67108864)", // bytes; what the WAL shrinks back to after a long reader
			"secure_delete(1)",             // a key that was deleted leaves no bytes behind
		},
	}); err != nil {
		return nil, err
	}
	if f.readers, err = pool(path, readers, url.Values{
		"mode":    {"ro"},
		"_pragma": {"busy_timeout(5000)", "query_only(1)"},
	}); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// syncData has commits synced by fdatasync, as SQLite does by itself where it is built
// for the system: of the times of a file nothing depends.
var syncData = sync.OnceFunc(func() { _, _ = driver.Fdatasync(true) }) // where there is none, fsync does it

func pool(path string, size int, parameters url.Values) (*sql.DB, error) {
	parameters.Set("_dqs", "0") // a misspelt column is an error, not a string
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: parameters.Encode()}
	connector, err := driver.NewConnector(dsn.String())
	if err != nil {
		return nil, classify(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// transact runs f in a transaction of the writing connection and commits it.
// ctx bounds the wait for its turn. What f is given in its place never ends: a
// statement interrupted half-way would cost the connection, and transactions are
// short.
func (f *file) transact(ctx context.Context, run func(ctx context.Context, tx *sql.Tx) error) error {
	if f.writer == nil {
		return errReadOnly
	}
	conn, err := f.writer.Conn(ctx)
	if err != nil {
		return f.classify(err)
	}
	defer conn.Close()
	ctx = context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return f.classify(err)
	}
	defer tx.Rollback() // of what was not committed
	if err := run(ctx, tx); err != nil {
		return f.classify(err)
	}
	return f.classify(tx.Commit())
}

// truncateWAL brings everything into the file and empties the WAL.
func (f *file) truncateWAL(ctx context.Context) error {
	var busy, frames, moved int
	if err := f.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("emptying the WAL: readers are in the way: %w", ports.ErrUnavailable)
	}
	return nil
}

// query runs a prepared statement of readers and hands each row to scan.
func (f *file) query(ctx context.Context, s *sql.Stmt, scan func(*sql.Rows) error, args ...any) error {
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return f.classify(err)
	}
	return f.classify(each(rows, scan))
}

// each hands every row to scan and closes rows.
func each(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (f *file) classify(err error) error {
	if err != nil && f.closed.Load() {
		return fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
	}
	return classify(err)
}

// close waits for the transaction under way. The writing connection goes last:
// it empties the WAL into the file.
func (f *file) close() error {
	if f == nil || f.closed.Swap(true) {
		return nil
	}
	var failed []error
	if f.readers != nil {
		failed = append(failed, f.readers.Close())
	}
	if f.writer == nil {
		return errors.Join(failed...)
	}
	conn, err := f.writer.Conn(context.Background())
	failed = append(failed, err, f.writer.Close())
	if conn != nil {
		failed = append(failed, conn.Close())
	}
	return errors.Join(failed...)
}
