package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Export writes an auditor's bundle: the events of a stream, or from position First
// to Last, with every commit from there to Head, and Head signed. audit.Check, and
// the command audit-verify, verify it without this log.
type Export struct {
	Store  ports.EventStore
	Stream string // empty: from First to Last
	First  int64
	Last   int64
	// Head returns a head at or behind a position, and its note, or none.
	Head func(ctx context.Context, position int64) (audit.Head, []byte, error)
}

// ErrNothingToExport says that there are no such events.
var ErrNothingToExport = errors.New("there are no such events")

// Run passes the bundle to write, line by line.
func (x Export) Run(ctx context.Context, write func(audit.Line) error) error {
	if x.Stream != "" {
		stream, err := x.Store.Load(ctx, x.Stream)
		if err != nil {
			return err
		}
		if len(stream) == 0 {
			return ErrNothingToExport
		}
		x.First, x.Last = stream[0].Position, stream[len(stream)-1].Position
	}
	end, err := x.Store.Head(ctx)
	if err != nil {
		return err
	}
	if x.First < 1 || x.Last < x.First || x.Last > end.LastPosition {
		return ErrNothingToExport
	}
	head, note, err := x.Head(ctx, x.Last)
	if err != nil {
		return err
	}
	previous, err := x.previous(ctx)
	if err != nil {
		return err
	}
	if err := write(audit.Line{Bundle: &audit.Bundle{Version: 1, Subject: x.Stream, First: x.First, Last: x.Last, Previous: previous}}); err != nil {
		return err
	}
	if err := x.commits(ctx, head.Position, write); err != nil {
		return err
	}
	return write(audit.Line{End: &audit.End{Position: head.Position, Link: head.Link, Note: string(note)}})
}

// previous returns the link of the commit before that of First.
func (x Export) previous(ctx context.Context) (events.Hash, error) {
	commits, err := x.Store.Commits(ctx, x.First-1, 1)
	if err != nil || len(commits) == 0 {
		return events.Hash{}, errors.Join(err, ErrNothingToExport)
	}
	first := commits[0].FirstPosition
	if first == 1 {
		return events.Hash{}, nil
	}
	commits, err = x.Store.Commits(ctx, first-2, 1)
	if err != nil || len(commits) == 0 {
		return events.Hash{}, errors.Join(err, ErrNothingToExport)
	}
	return commits[0].Link, nil
}

// commits writes every commit from that of First on to the one that ends at end.
func (x Export) commits(ctx context.Context, end int64, write func(audit.Line) error) error {
	const size = 1000
	var rows []events.Recorded
	for after := x.First - 1; after < end; {
		commits, err := x.Store.Commits(ctx, after, size)
		if err != nil {
			return err
		}
		if len(commits) == 0 {
			return fmt.Errorf("reading the commit of position %d: there is none", after+1)
		}
		for _, c := range commits {
			if c.LastPosition > end {
				break
			}
			n := int(c.LastPosition - c.FirstPosition + 1)
			if len(rows) < n { // those before are used up, or begin this commit
				if rows, err = x.Store.Read(ctx, c.FirstPosition-1, max(size, n)); err != nil {
					return err
				}
			}
			if len(rows) < n {
				return fmt.Errorf("reading the commit of positions %d to %d: rows are missing", c.FirstPosition, c.LastPosition)
			}
			if err := x.commit(ctx, c, rows[:n], write); err != nil {
				return err
			}
			rows = rows[n:]
		}
		if after = commits[len(commits)-1].LastPosition; after > end {
			return nil
		}
	}
	return nil
}

func (x Export) commit(ctx context.Context, c ports.Commit, rows []events.Recorded, write func(audit.Line) error) error {
	commit := audit.Commit{First: c.FirstPosition, Last: c.LastPosition, Link: c.Link}
	for _, row := range rows {
		commit.Digests = append(commit.Digests, row.Digest)
	}
	if err := write(audit.Line{Commit: &commit}); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Position < x.First || row.Position > x.Last || x.Stream != "" && row.StreamID != x.Stream {
			continue
		}
		if row.Detached() {
			return ports.WhereDetached(ctx, x.Store, row.Position)
		}
		err := write(audit.Line{Event: &events.Envelope{
			Position: row.Position, StreamID: row.StreamID, Version: row.Version, Type: row.Type, Schema: row.Schema,
			Data: row.RawData, Meta: row.RawMeta, RecordedAt: row.RecordedAt.UTC(), Digest: row.Digest,
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
