package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/pro-sms/prosms/ports"
)

// classify makes an error that says the file cannot be used just now wrap
// ports.ErrUnavailable. Messages of SQLite name tables and columns, no values.
func classify(err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok || errors.Is(err, ports.ErrUnavailable) {
		return err
	}
	switch e.Code() & 0xff { // the rest of the code says more precisely why
	case codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY,
		codes.SQLITE_PERM, codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL,
		codes.SQLITE_NOMEM, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
	}
	return err
}

// unopened says why a file cannot be opened. It is ports.ErrUnavailable only where that
// may pass by itself: a path or a right that is wrong now stays wrong.
func unopened(err error) error {
	for _, lasting := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.EISDIR, syscall.ENOTDIR, syscall.EROFS} {
		if errors.Is(err, lasting) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
}

// ErrNoDatabase says that a file is none of SQLite's, or is damaged.
var ErrNoDatabase = errors.New("not a SQLite database, or damaged")

// unread is classify for the first look into a file: what it holds does not get better.
func unread(err error) error {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		if code := e.Code() & 0xff; code == codes.SQLITE_NOTADB || code == codes.SQLITE_CORRUPT {
			return fmt.Errorf("%w: %w", ErrNoDatabase, err)
		}
	}
	return classify(err)
}
