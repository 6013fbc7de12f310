package ports

import (
	"context"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Importer writes a log that was written elsewhere, as it is: positions, versions,
// times, bytes, digests and links; and it takes payloads out of the log that an
// archive holds. It needs the owner's rights, is for moves, restores and archives
// alone, and obeys porttest.Importer.
type Importer interface {
	// Import writes whole commits, all of them or none. The first has to follow the
	// log's last one, and all have to verify as CheckImport says; otherwise nothing
	// is written. The error wraps ErrConflict when the log is not where the commits
	// go on.
	Import(ctx context.Context, commits ...WholeCommit) error

	// Detach takes the payloads of whole streams out of the log, all of them or none:
	// data becomes null, all else stays, the digest among it. rows are all that the
	// log has of their streams; the error wraps ErrConflict where it has others.
	Detach(ctx context.Context, rows ...events.Recorded) error

	// Attach puts payloads back that Detach has taken out, all of them or none, and
	// returns how many there were: rows that have theirs stay as they are. A row
	// that is not what the log's digest was taken of is an error.
	Attach(ctx context.Context, rows ...events.Recorded) (int, error)
}

// Exporter tells what a store holds beside its log that cannot be made again.
type Exporter interface {
	// Keys returns up to limit keys of the keyring whose names come after a name,
	// in the order of the names' bytes.
	Keys(ctx context.Context, after string, limit int) ([]NamedKey, error)

	// KeyUses returns when each API key was last used, by id.
	KeyUses(ctx context.Context) (map[string]time.Time, error)
}

// NamedKey is a key as the keyring keeps it.
type NamedKey struct {
	Name string
	Key  []byte
}

// WholeCommit is a commit with its events, of which only what is stored counts:
// not Data and Meta but RawData and RawMeta.
type WholeCommit struct {
	Commit
	Events []events.Recorded
}

// CheckImport reports the first position at which commits do not go on from head,
// or contradict their hashes; of a row whose payload is detached, the digest alone
// counts. What does not follow head wraps ErrConflict.
func CheckImport(head Commit, commits []WholeCommit) error {
	if len(commits) > 0 && commits[0].FirstPosition != head.LastPosition+1 {
		return fmt.Errorf("importing the commit at position %d: the log ends at %d: %w", commits[0].FirstPosition, head.LastPosition, ErrConflict)
	}
	for _, c := range commits {
		if err := c.check(head); err != nil {
			return fmt.Errorf("importing the commit at position %d: %w", c.FirstPosition, err)
		}
		head = c.Commit
	}
	return nil
}

// CheckRow reports a row that is not what its digest was taken of.
func CheckRow(e events.Recorded) error {
	if e.Digest != e.ComputeDigest() {
		return fmt.Errorf("position %d: the row is not what its digest was taken of", e.Position)
	}
	return nil
}

func (c WholeCommit) check(previous Commit) error {
	if c.FirstPosition != previous.LastPosition+1 || len(c.Events) == 0 || int64(len(c.Events)) != c.LastPosition-c.FirstPosition+1 {
		return fmt.Errorf("it has not the events that it names")
	}
	if c.RecordedAt.Before(previous.RecordedAt) {
		return fmt.Errorf("recorded before the commit in front of it")
	}
	digests := make([]events.Hash, len(c.Events))
	for i, e := range c.Events {
		if e.Position != c.FirstPosition+int64(i) || !e.RecordedAt.Equal(c.RecordedAt) {
			return fmt.Errorf("position %d: the event is not in its place", e.Position)
		}
		if !e.Detached() {
			if err := CheckRow(e); err != nil {
				return err
			}
		}
		digests[i] = e.Digest
	}
	if events.Link(previous.Link, digests...) != c.Link {
		return fmt.Errorf("its link is not that of its rows and of the commit in front of it")
	}
	return nil
}
