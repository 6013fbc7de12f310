package ports

import (
	"context"
	"fmt"
	"strings"

	"github.com/pro-sms/prosms/events"
)

// ArchivesStream is the stream of what was detached from the log.
const ArchivesStream = "log_archives"

// Archived says that what a stream holds was detached.
type Archived struct {
	Archive string // the name of the file; empty: it was not looked up
}

// Error names the file.
func (a Archived) Error() string { return strings.TrimSpace("detached to an archive " + a.Archive) }

// WhereDetached returns an Archived for a row that is detached, or why it is not known.
func WhereDetached(ctx context.Context, store EventStore, position int64) error {
	archives, err := ReadArchives(ctx, store)
	if err != nil {
		return err
	}
	for _, d := range archives.Of(position) {
		return Archived{d.Archive}
	}
	return fmt.Errorf("position %d lacks its payload, which no archive holds", position)
}

// Archives are the archives that payloads may have been detached to, oldest first.
type Archives []events.LogDetached

// ReadArchives reads what a log was detached to and was not attached again since.
func ReadArchives(ctx context.Context, store EventStore) (Archives, error) {
	recorded, err := store.Load(ctx, ArchivesStream)
	if err != nil {
		return nil, fmt.Errorf("loading stream %s: %w", ArchivesStream, err)
	}
	var archives Archives
	for _, r := range recorded {
		switch e := r.Data.(type) {
		case events.LogDetached:
			archives = append(archives, e)
		case events.LogAttached:
			archives = archives.without(e.First, e.Link)
		}
	}
	return archives, nil
}

// Of returns those archives that hold a position, newest first.
func (a Archives) Of(position int64) Archives {
	var found Archives
	for i := len(a); i > 0; i-- {
		if d := a[i-1]; d.First <= position && position <= d.Last {
			found = append(found, d)
		}
	}
	return found
}

func (a Archives) without(first int64, link events.Hash) Archives {
	var left Archives
	for _, d := range a {
		if d.First != first || d.Link != link {
			left = append(left, d)
		}
	}
	return left
}

// Holds reports whether a names an archive by where it begins and what it ends in.
func (a Archives) Holds(first int64, link events.Hash) bool {
	return len(a.without(first, link)) < len(a)
}
