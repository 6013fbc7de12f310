package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Archived is a log that is read as if nothing had been detached from it, where the
// archives are at hand: Read takes payloads from their files. It reads forwards, as
// rebuilds, checks and exports do; Load and LoadMany, which would have to search, leave
// what is detached as it is. It is safe for concurrent use, one reader at a time.
type Archived struct {
	ports.EventStore
	// Open opens an archive by the name that the log calls it; fs.ErrNotExist: it is
	// not at hand, and its payloads stay detached.
	Open func(name string) (io.ReadCloser, error)

	mu   sync.Mutex
	open *archiveReader // nil: none
}

// Read implements ports.EventStore. Where an archive is damaged, the events before that
// place, not nil, come with the error.
func (a *Archived) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := a.EventStore.Read(ctx, position, limit)
	if err != nil {
		return nil, err
	}
	var archives ports.Archives
	for i := range page {
		if !page[i].Detached() {
			continue
		}
		if archives == nil {
			if archives, err = ports.ReadArchives(ctx, a.EventStore); err != nil {
				return nil, err
			}
		}
		if err := a.fill(ctx, &page[i], archives); err != nil {
			return page[:i], fmt.Errorf("reading position %d from an archive: %w", page[i].Position, err)
		}
	}
	return page, nil
}

// Close closes the archive that was read last.
func (a *Archived) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.close()
}

func (a *Archived) close() error {
	if a.open == nil {
		return nil
	}
	err := a.open.file.Close()
	a.open = nil
	return err
}

// fill gives r its payload from the first archive that is at hand.
func (a *Archived) fill(ctx context.Context, r *events.Recorded, archives ports.Archives) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, archive := range archives.Of(r.Position) {
		found, err := a.find(ctx, archive.Archive, r.Position)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		whole := *r
		whole.RawData = found
		if err := ports.CheckRow(whole); err != nil {
			return fmt.Errorf("archive %s: %w", archive.Archive, err)
		}
		if err := whole.Decode(); err != nil {
			return err
		}
		*r = whole
		return nil
	}
	return nil
}

// find returns the payload of a position of an archive. It goes on where it stopped
// last, if that was before; also where it could not be read on, so that a damaged
// archive is not read from its beginning for each position behind the damage.
func (a *Archived) find(ctx context.Context, name string, position int64) (json.RawMessage, error) {
	if a.open == nil || a.open.name != name || a.open.asked >= position {
		if err := a.close(); err != nil {
			return nil, err
		}
		file, err := a.Open(name)
		if err != nil {
			return nil, err
		}
		lines, err := audit.Unpack(file)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		a.open = &archiveReader{name: name, file: file, lines: bufio.NewReaderSize(lines, 1<<16)}
	}
	return a.open.seek(ctx, position)
}

// archiveReader is how far an archive was read.
type archiveReader struct {
	name     string
	file     io.Closer
	lines    *bufio.Reader
	asked    int64 // the last position that was sought
	position int64 // of the last event
	data     json.RawMessage
	damage   error // it cannot be read on
}

func (r *archiveReader) seek(ctx context.Context, position int64) (json.RawMessage, error) {
	for r.asked = position; r.position < position; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.damage != nil {
			return nil, fmt.Errorf("archive %s: %w", r.name, r.damage)
		}
		line, err := r.lines.ReadBytes('\n')
		if err != nil {
			r.damage = err
			continue
		}
		var l audit.Line
		if json.Unmarshal(line, &l) != nil || l.Event == nil {
			continue // a malformed event is lacking
		}
		r.position, r.data = l.Event.Position, l.Event.Data
	}
	if r.position != position {
		return nil, fmt.Errorf("archive %s lacks position %d", r.name, position)
	}
	return r.data, nil
}
