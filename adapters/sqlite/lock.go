package sqlite

import (
	"errors"
	"fmt"
	"os"

	"github.com/pro-sms/prosms/ports"
)

// lock keeps a second process out. The system releases it however this one ends,
// and the file stays: deleting it would let two hold locks on two files.
type lock struct{ file *os.File }

// acquire does not wait.
func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", unopened(err))
	}
	if err := flock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w: %w", path, ports.ErrUnavailable, err), file.Close())
	}
	return &lock{file}, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
