package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Archived is a log that is read as if nothing had been detached from it, where the
// archives are at hand: Read takes payloads from their files. It reads forwards, as
// rebuilds, checks and exports do; Load and LoadMany, which would have to search, leave
// what is detached as it is. It is safe for concurrent use; several who read at once
// each have an archive open where they are.
type Archived struct {
	ports.EventStore
	// Open opens an archive by the name that the log calls it; fs.ErrNotExist: it is
	// not at hand, and its payloads stay detached.
	Open func(name string) (io.ReadCloser, error)

	mu   sync.Mutex
	open []*archiveReader // the one that was used last is the last
}

// mostArchiveReaders bounds the archives that are open. With more readers at once than
// that some open theirs anew for every page.
const mostArchiveReaders = 8

// Read implements ports.EventStore. Where an archive is damaged, the events before that
// place, not nil, come with the error.
func (a *Archived) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, unread := a.EventStore.Read(ctx, position, limit)
	if fatal(unread) != nil {
		return nil, unread
	}
	var (
		archives ports.Archives
		err      error
	)
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
	return page, unread
}

// Close closes the archives that are open.
func (a *Archived) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keep(0)
}

// keep closes all but the n archives that were used last.
func (a *Archived) keep(n int) error {
	var faults []error
	for len(a.open) > n {
		faults = append(faults, a.open[0].file.Close())
		a.open = a.open[1:]
	}
	return errors.Join(faults...)
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

// find returns the payload of a position of an archive. It goes on where somebody
// stopped before that; also where it could not be read on, so that a damaged archive is
// not read from its beginning for each position behind the damage.
func (a *Archived) find(ctx context.Context, name string, position int64) (json.RawMessage, error) {
	reader, err := a.reader(name, position)
	if err != nil {
		return nil, err
	}
	return reader.seek(ctx, position)
}

// reader returns the one of an archive that is nearest before a position, and opens
// the archive where there is none.
func (a *Archived) reader(name string, position int64) (*archiveReader, error) {
	nearest := -1
	for i, r := range a.open {
		if r.name == name && r.asked < position && (nearest < 0 || r.asked > a.open[nearest].asked) {
			nearest = i
		}
	}
	if nearest >= 0 {
		r := a.open[nearest]
		a.open = append(slices.Delete(a.open, nearest, nearest+1), r)
		return r, nil
	}
	if err := a.keep(mostArchiveReaders - 1); err != nil {
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
	r := &archiveReader{name: name, file: file, lines: bufio.NewReaderSize(lines, 1<<16)}
	a.open = append(a.open, r)
	return r, nil
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
