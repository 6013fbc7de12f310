package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// flock takes the lock of an open file, or returns ErrInUse.
func flock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrInUse
	}
	return err
}

// syncDir does nothing: NTFS journals the names of files.
func syncDir(string) error { return nil }
