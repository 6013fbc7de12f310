package sqlite

import (
	"errors"
	"fmt"

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
