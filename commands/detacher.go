package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Detacher takes payloads out of the log that an archive holds: those of messages that
// lie in it from their first event to their last and have reached their end. What was
// ever a dead letter stays, and so do consents, keys and all that is no message. One
// that was killed goes on when it is run again.
type Detacher struct {
	Store    ports.EventStore // as it is stored: not unsealed
	Importer ports.Importer
	Archive  audit.Checked // what was found of the file
	Name     string        // of the file
	Before   time.Time     // a message to which something has happened since stays
	Meta     events.Meta
	Progress func(position int64)
	AtOnce   int // messages in one transaction, for which appends wait; 0: 200
}

// Detached is what a Detacher has done.
type Detached struct {
	Messages int
	Events   int
}

// ErrNotOfThisLog says that an archive is of another log.
var ErrNotOfThisLog = errors.New("the archive is not of this log")

// Run detaches. That the archive holds the same bytes follows from the links at both
// of its ends, which are those of the log, and from the digest of every row.
func (d Detacher) Run(ctx context.Context) (Detached, error) {
	var done Detached
	if err := SameLog(ctx, d.Store, d.Archive); err != nil {
		return done, err
	}
	if err := d.record(ctx); err != nil {
		return done, err
	}
	for after := d.Archive.First - 1; after < d.Archive.Last; {
		const size = 2000
		page, err := d.Store.Read(ctx, after, int(min(size, d.Archive.Last-after)))
		if err != nil {
			return done, err
		}
		if len(page) == 0 {
			return done, fmt.Errorf("reading after position %d: there is nothing", after)
		}
		var ids []string
		for i, e := range page {
			if e.Version == 1 && strings.HasPrefix(e.StreamID, messagePrefix) && !e.Detached() {
				ids = append(ids, e.StreamID)
			}
			if last := i == len(page)-1; len(ids) == orDefault(d.AtOnce, 200) || last {
				if err := d.detach(ctx, ids, &done); err != nil {
					return done, err
				}
				ids = ids[:0]
			}
		}
		after = page[len(page)-1].Position
		if d.Progress != nil {
			d.Progress(after)
		}
	}
	return done, nil
}

// record says in the log that payloads go, before the first of them does.
func (d Detacher) record(ctx context.Context) error {
	return d.note(ctx, func(archives ports.Archives) events.Event {
		for _, a := range archives {
			if a.First == d.Archive.First && a.Link == d.Archive.Head.Link && a.Archive == d.Name && !a.Before.Before(d.Before) {
				return nil
			}
		}
		return events.LogDetached{
			Archive: d.Name, First: d.Archive.First, Last: d.Archive.Last, Link: d.Archive.Head.Link, Before: d.Before.UTC(),
		}
	})
}

// note appends what say makes of the archives that are detached; nil: nothing.
func (d Detacher) note(ctx context.Context, say func(ports.Archives) events.Event) error {
	recorded, err := d.Store.Load(ctx, ports.ArchivesStream)
	if err != nil {
		return err
	}
	archives, err := ports.ReadArchives(ctx, d.Store)
	if err != nil {
		return err
	}
	e := say(archives)
	if e == nil {
		return nil
	}
	results, err := d.Store.Append(ctx, ports.Write{StreamID: ports.ArchivesStream, Expected: len(recorded), Events: []events.Event{e}, Meta: d.Meta})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return fmt.Errorf("appending to stream %s: %w", ports.ArchivesStream, err)
	}
	return nil
}

// detach detaches those of ids that may go.
func (d Detacher) detach(ctx context.Context, ids []string, done *Detached) error {
	streams, err := d.Store.LoadMany(ctx, ids)
	if err != nil {
		return err
	}
	var rows []events.Recorded
	messages := 0
	for _, id := range ids {
		if d.finished(id, streams[id]) {
			rows = append(rows, streams[id]...)
			messages++
		}
	}
	if err := d.Importer.Detach(ctx, rows...); err != nil {
		return fmt.Errorf("detaching %d messages: %w", messages, err)
	}
	done.Messages, done.Events = done.Messages+messages, done.Events+len(rows)
	return nil
}

// finished reports whether nothing of a message is needed any more outside the archive.
func (d Detacher) finished(id string, recorded []events.Recorded) bool {
	last := recorded[len(recorded)-1]
	if recorded[0].Position < d.Archive.First || last.Position > d.Archive.Last || !last.RecordedAt.Before(d.Before) {
		return false
	}
	for _, e := range recorded {
		// The view of dead letters is made of the whole stream of each, even if it was redriven.
		if e.Detached() || e.Type == (events.MessageDeadLettered{}).EventType() {
			return false
		}
	}
	return fold[domain.Message](id, recorded).State.Final()
}

// Attach puts the payloads of an archive back, and says so in the log. It returns how
// many there were.
func (d Detacher) Attach(ctx context.Context, lines io.Reader) (attached int, err error) {
	if err := SameLog(ctx, d.Store, d.Archive); err != nil {
		return 0, err
	}
	const size = 2000
	var rows []events.Recorded
	flush := func() error {
		n, err := d.Importer.Attach(ctx, rows...)
		if err != nil {
			return err
		}
		attached += n
		if d.Progress != nil && len(rows) > 0 {
			d.Progress(rows[len(rows)-1].Position)
		}
		rows = rows[:0]
		return nil
	}
	err = audit.Commits(lines, func(_ audit.Commit, envelopes []events.Envelope) error {
		for _, e := range envelopes {
			rows = append(rows, stored(e))
		}
		if len(rows) < size {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return attached, fmt.Errorf("attaching: %w", err)
	}
	return attached, d.note(ctx, func(archives ports.Archives) events.Event {
		if !archives.Holds(d.Archive.First, d.Archive.Head.Link) {
			return nil
		}
		return events.LogAttached{Archive: d.Name, First: d.Archive.First, Last: d.Archive.Last, Link: d.Archive.Head.Link}
	})
}

// stored is a row of an archive as the log has it, not decoded.
func stored(e events.Envelope) events.Recorded {
	return events.Recorded{
		Position: e.Position, StreamID: e.StreamID, Version: e.Version, Type: e.Type, Schema: e.Schema,
		RawData: e.Data, RawMeta: e.Meta, RecordedAt: e.RecordedAt, Digest: e.Digest,
	}
}

// SameLog returns ErrNotOfThisLog unless an archive begins and ends with the links of a
// log: then it holds what these were made of.
func SameLog(ctx context.Context, store ports.EventStore, archive audit.Checked) error {
	var before events.Hash
	if archive.First > 1 {
		commits, err := store.Commits(ctx, archive.First-2, 1)
		if err != nil {
			return err
		}
		if len(commits) == 0 || commits[0].LastPosition != archive.First-1 {
			return fmt.Errorf("comparing the commit before position %d: %w", archive.First, ErrNotOfThisLog)
		}
		before = commits[0].Link
	}
	commits, err := store.Commits(ctx, archive.Last-1, 1)
	if err != nil {
		return err
	}
	if before != archive.Previous || len(commits) == 0 || commits[0].LastPosition != archive.Last || commits[0].Link != archive.Head.Link {
		return fmt.Errorf("comparing the links of positions %d to %d: %w", archive.First, archive.Last, ErrNotOfThisLog)
	}
	return nil
}
