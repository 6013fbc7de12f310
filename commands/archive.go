package commands

import (
	"context"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// ArchiveRange returns the positions of the whole commits that lie within two
// positions, and the last of them. The error wraps ErrNothingToExport when there are
// none, or when first is not where a commit begins.
func ArchiveRange(ctx context.Context, store ports.EventStore, first, through int64) (ports.Commit, error) {
	begin, err := store.Commits(ctx, first-1, 1)
	if err != nil {
		return ports.Commit{}, err
	}
	if len(begin) == 0 || begin[0].LastPosition > through {
		return ports.Commit{}, fmt.Errorf("positions %d to %d: no whole commit: %w", first, through, ErrNothingToExport)
	}
	if begin[0].FirstPosition != first {
		return ports.Commit{}, fmt.Errorf("position %d lies within a commit, which begins at %d: %w", first, begin[0].FirstPosition, ErrNothingToExport)
	}
	end, err := store.Commits(ctx, through-1, 1) // that of position through, whole or not
	if err != nil {
		return ports.Commit{}, err
	}
	if len(end) > 0 && end[0].LastPosition > through {
		end, err = store.Commits(ctx, end[0].FirstPosition-2, 1)
	}
	if err != nil {
		return ports.Commit{}, err
	}
	if len(end) == 0 {
		return ports.Commit{}, fmt.Errorf("position %d: behind the end of the log: %w", through, ErrNothingToExport)
	}
	return end[0], nil
}

// ImportArchive writes the commits of an archive behind a log, which has to end where
// they begin. What verifies only up to some place is written up to near there.
func ImportArchive(ctx context.Context, lines io.Reader, importer ports.Importer, progress func(position int64)) error {
	const size = 2000
	var page []ports.WholeCommit
	n := 0
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		if err := importer.Import(ctx, page...); err != nil {
			return err
		}
		progress(page[len(page)-1].LastPosition)
		page, n = nil, 0
		return nil
	}
	err := audit.Commits(lines, func(c audit.Commit, rows []events.Envelope) error {
		whole := ports.WholeCommit{Commit: ports.Commit{FirstPosition: c.First, LastPosition: c.Last, Link: c.Link, RecordedAt: rows[0].RecordedAt}}
		for _, e := range rows {
			whole.Events = append(whole.Events, stored(e))
		}
		page = append(page, whole)
		if n += len(rows); n < size {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
