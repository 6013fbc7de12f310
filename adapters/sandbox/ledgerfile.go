package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// line is one line of a ledger file: a message as it was accepted, or as it has
// since become.
type line struct {
	Accepted *Message `json:"accepted,omitempty"`
	Changed  *Message `json:"changed,omitempty"`
}

// ledgerFile appends lines. They outlive the process, not the machine: nothing is
// synced. A nil ledgerFile writes nowhere.
type ledgerFile struct {
	file *os.File
	size int64 // of the whole lines
}

// openLedgerFile hands every line to replay and opens the file for more. A last
// line that a crash cut short was never answered for, and is cut off.
func openLedgerFile(path string, replay func(line)) (*ledgerFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	whole, err := readLines(file, replay)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading ledger: %w", err), file.Close())
	}
	return &ledgerFile{file: file, size: whole}, nil
}

// readLines returns the number of bytes in whole lines.
func readLines(r io.Reader, replay func(line)) (whole int64, err error) {
	in := bufio.NewReader(r)
	for {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		if err != nil {
			return whole, err
		}
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return whole, fmt.Errorf("decoding line at byte %d: malformed", whole)
		}
		replay(l)
		whole += int64(len(raw))
	}
}

// replay takes in a line of the file, before the ledger is in use.
func (l *ledger) replay(line line) {
	if line.Accepted != nil {
		l.add(*line.Accepted)
	}
	if line.Changed != nil {
		if m := l.bySID[line.Changed.SID]; m != nil {
			*m = *line.Changed
		}
	}
}

func (f *ledgerFile) encode(l line) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encoding ledger line: %w", err)
	}
	return append(raw, '\n'), nil
}

func (f *ledgerFile) write(line []byte) error {
	if f == nil {
		return nil
	}
	if _, err := f.file.WriteAt(line, f.size); err != nil {
		return err // the next line overwrites what there is of this one
	}
	f.size += int64(len(line))
	return nil
}

func (f *ledgerFile) close() error {
	if f == nil {
		return nil
	}
	err := f.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil // closing twice does no harm
	}
	return err
}
