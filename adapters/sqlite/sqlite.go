// Package sqlite implements ports on two SQLite files and one process: the event
// log, which must never be lost, and beside it the views, which can be made again
// from the log. It needs no server, and no C compiler.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pro-sms/prosms/migrations"
	"github.com/pro-sms/prosms/ports"
)

// ErrInUse says that the database is open already, in this process or another.
var ErrInUse = errors.New("in use by another process")

// Config says where the database is.
type Config struct {
	// Path of the event log, in a folder that exists and stands on a local disk.
	// Next to it come the views ("x.db" gives "x.views.db"), a lock ("x.db.lock")
	// and SQLite's own "-wal" and "-shm" files. All of them belong together; only
	// the views may be deleted.
	Path    string
	Readers int // connections that read a file at once; 0: 4
	// Beside opens the database without its lock, beside the process that may hold
	// it: the log can be read and not appended to, views can be rebuilt. The files
	// must be there, and of this build's schema.
	Beside bool
	Logger *slog.Logger // what feeds do about errors; nil: nothing is logged
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	lock    *lock
	log     *file // events, commits, keyring
	views   *file // views, checkpoints, offsets
	store   *EventStore
	turns   turns
	offsets offsets
	logger  *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	mu     sync.Mutex // guards closed against tasks that start
	closed bool
	tasks  sync.WaitGroup
}

// Open opens or creates the database and brings its schema up to date. The error
// wraps ErrInUse if it is open elsewhere, ErrNewerSchema if a later build has
// been at it, ErrNoDatabase if a file is none, and ports.ErrUnavailable for as long as
// the files cannot be used, unless waiting will not change that.
func Open(ctx context.Context, c Config) (*DB, error) {
	path, err := filepath.Abs(c.Path)
	if err != nil || c.Path == "" {
		return nil, errors.Join(fmt.Errorf("opening database: no path"), err)
	}
	db := &DB{logger: c.Logger}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	db.ctx, db.cancel = context.WithCancel(context.Background())
	open := db.open
	if c.Beside {
		open = db.openBeside
	}
	if err := open(ctx, path, c.Readers); err != nil {
		return nil, errors.Join(fmt.Errorf("opening database %s: %w", path, err), db.Close())
	}
	return db, nil
}

func (d *DB) open(ctx context.Context, path string, readers int) (err error) {
	if d.lock, err = acquire(path + ".lock"); err != nil {
		return err
	}
	// FULL: a commit is on the disk when it is reported. NORMAL: a power cut may
	// undo the last commits, checkpoints included, but not tear them apart.
	if d.log, err = openFile(ctx, path, "FULL", readers, migrations.SQLite, "sqlite/log"); err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	if d.views, err = openFile(ctx, viewsPath(path), "NORMAL", readers, migrations.SQLite, "sqlite/views"); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("syncing folder: %w: %w", ports.ErrUnavailable, err)
	}
	if d.store, err = newEventStore(ctx, d.log); err != nil {
		return err
	}
	return d.checkViews(ctx)
}

// viewsPath puts ".views" before the extension.
func viewsPath(path string) string {
	extension := filepath.Ext(path)
	return strings.TrimSuffix(path, extension) + ".views" + extension
}

// checkViews refuses views of another log or of a later state of this one, as
// after a log was restored from a backup: they would skip what comes next.
func (d *DB) checkViews(ctx context.Context) error {
	head, err := d.store.Head(ctx)
	if err != nil {
		return err
	}
	var position int64
	row := d.views.readers.QueryRowContext(ctx, `
		SELECT coalesce(max(position), 0) FROM (
			SELECT position FROM projection_checkpoints UNION ALL SELECT position FROM relay_offsets)`)
	if err := row.Scan(&position); err != nil {
		return fmt.Errorf("comparing views with the log: %w", classify(err))
	}
	if position > head.LastPosition {
		return fmt.Errorf("the views are at position %d, the log ends at %d: delete %s, it is made again",
			position, head.LastPosition, d.views.path)
	}
	return nil
}

// EventStore returns the log.
func (d *DB) EventStore() *EventStore { return d.store }

// PoolUsage returns the share of connections that are in use, 0 to 1, of the pool
// that is used most: each file has one for the writer and one for its readers.
func (d *DB) PoolUsage() float64 {
	usage := 0.0
	for _, pool := range []*sql.DB{d.log.writer, d.log.readers, d.views.writer, d.views.readers} {
		stats := pool.Stats()
		usage = max(usage, float64(stats.InUse)/float64(stats.MaxOpenConnections))
	}
	return usage
}

// Close ends feeds and roles, waits for feeds and for transactions under way, and
// lets another process open the database. Closing again does nothing.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()

	d.cancel()
	d.tasks.Wait()
	return errors.Join(d.log.close(), d.views.close(), d.lock.release())
}

// spawn runs task in a goroutine that Close waits for.
func (d *DB) spawn(task func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("database is closed: %w", ports.ErrUnavailable)
	}
	d.tasks.Go(task)
	return nil
}
