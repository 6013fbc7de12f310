package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Append implements ports.EventStore: one transaction and one sync of the file.
// When ctx ends while the append waits for its turn, nothing is written; once
// its turn has come it is no longer interrupted.
func (s *EventStore) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	prepared, err := prepare(writes) // before its turn: the expensive half
	if err != nil {
		return nil, err
	}
	var results []ports.Result
	var commit []events.Recorded
	err = s.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		results, commit, err = s.append(ctx, tx, writes, prepared)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("appending %d writes: %w", len(writes), err)
	}
	if len(commit) > 0 {
		s.tail.Add(commit)
		s.changed.wake()
	}
	return results, nil
}

func prepare(writes []ports.Write) ([][]events.Recorded, error) {
	prepared := make([][]events.Recorded, len(writes))
	for i, w := range writes {
		if len(w.Events) == 0 {
			return nil, fmt.Errorf("appending to stream %s: no events", w.StreamID)
		}
		prepared[i] = make([]events.Recorded, len(w.Events))
		for j, e := range w.Events {
			var err error
			if prepared[i][j], err = events.Prepare(w.StreamID, w.Expected+j+1, e, w.Meta); err != nil {
				return nil, fmt.Errorf("appending to stream %s: %w", w.StreamID, err)
			}
		}
	}
	return prepared, nil
}

// append writes what is not refused, as one commit, or no commit if all is. It returns
// what it wrote, not decoded.
func (s *EventStore) append(ctx context.Context, tx *sql.Tx, writes []ports.Write, prepared [][]events.Recorded) ([]ports.Result, []events.Recorded, error) {
	results, err := s.refuse(ctx, tx, writes)
	if err != nil {
		return nil, nil, fmt.Errorf("reading versions: %w", err)
	}
	tip, err := scanCommit(tx.StmtContext(ctx, s.tip).QueryRowContext(ctx))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, nil, fmt.Errorf("reading tip: %w", err)
	}
	commit := ports.Commit{FirstPosition: tip.LastPosition + 1, LastPosition: tip.LastPosition, RecordedAt: s.now(tip)}
	recordedAt := formatTime(commit.RecordedAt)
	insert := tx.StmtContext(ctx, s.insert)
	written, digests := make([]events.Recorded, 0, len(writes)), make([]events.Hash, 0, len(writes))
	for i := range writes {
		if results[i].Err != nil {
			continue
		}
		results[i].FirstPosition, results[i].RecordedAt = commit.LastPosition+1, commit.RecordedAt
		for _, r := range prepared[i] {
			commit.LastPosition++
			r.Position, r.RecordedAt, r.Data, r.Meta = commit.LastPosition, commit.RecordedAt, nil, events.Meta{}
			r.Digest = events.RowDigest(r.Digest, r.Position, r.RecordedAt)
			written, digests = append(written, r), append(digests, r.Digest)
			if _, err := insert.ExecContext(ctx, r.Position, r.StreamID, r.Version, r.Type, r.Schema,
				string(r.RawData), string(r.RawMeta), recordedAt, digests[len(digests)-1][:]); err != nil {
				return nil, nil, fmt.Errorf("inserting position %d: %w", r.Position, err)
			}
			results[i].LastPosition, results[i].Version = commit.LastPosition, r.Version
		}
		for _, key := range writes[i].Keys {
			if _, err := tx.StmtContext(ctx, s.keep).ExecContext(ctx, key.Name, key.Key); err != nil {
				return nil, nil, fmt.Errorf("keeping key %s: %w", key.Name, err)
			}
		}
	}
	if len(digests) == 0 {
		return results, nil, nil
	}
	commit.Link = events.Link(tip.Link, digests...)
	if _, err := tx.StmtContext(ctx, s.link).ExecContext(ctx, commit.FirstPosition, commit.LastPosition, commit.Link[:], recordedAt); err != nil {
		return nil, nil, fmt.Errorf("inserting commit at %d: %w", commit.FirstPosition, err)
	}
	return results, written, nil
}

// refuse returns a result for each write: an error if a stream that it names is
// not at the version named, or is named by an earlier write, or if a key of it
// differs from the one that is kept, or that an earlier write brings.
func (s *EventStore) refuse(ctx context.Context, tx *sql.Tx, writes []ports.Write) ([]ports.Result, error) {
	versions, err := s.versionsOf(ctx, tx, writes)
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(ctx, tx, writes)
	if err != nil {
		return nil, err
	}
	results := make([]ports.Result, len(writes))
	for i, w := range writes {
		stands := versions[w.StreamID] == w.Expected
		for _, key := range w.Keys {
			if kept, ok := keys[key.Name]; ok {
				stands = stands && bytes.Equal(kept, key.Key)
			} else {
				keys[key.Name] = key.Key
			}
		}
		for _, r := range w.Requires {
			stands = stands && versions[r.StreamID] == r.Version
		}
		if !stands {
			results[i].Err = fmt.Errorf("appending to stream %s at version %d: %w", w.StreamID, w.Expected, ports.ErrConflict)
		}
		versions[w.StreamID] = math.MinInt // so that a later write cannot expect it
	}
	return results, nil
}

// keysOf returns what is kept under the names of the keys that writes bring.
func keysOf(ctx context.Context, tx *sql.Tx, writes []ports.Write) (map[string][]byte, error) {
	var names []string
	for _, w := range writes {
		for _, key := range w.Keys {
			names = append(names, key.Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return getKeys(ctx, tx.QueryContext, names)
}

// versionsOf returns the versions of all streams that writes name.
func (s *EventStore) versionsOf(ctx context.Context, tx *sql.Tx, writes []ports.Write) (map[string]int, error) {
	versions := make(map[string]int, len(writes))
	for _, w := range writes {
		versions[w.StreamID] = 0
		for _, r := range w.Requires {
			versions[r.StreamID] = 0
		}
	}
	streamIDs := make([]string, 0, len(versions))
	for id := range versions {
		streamIDs = append(streamIDs, id)
	}
	list, err := json.Marshal(streamIDs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.StmtContext(ctx, s.versions).QueryContext(ctx, string(list))
	if err != nil {
		return nil, err
	}
	err = each(rows, func(rows *sql.Rows) error {
		var id string
		var version sql.Null[int]
		err := rows.Scan(&id, &version)
		versions[id] = version.V
		return err
	})
	return versions, err
}

// now returns the time of the next commit, which is not before that of the last.
func (s *EventStore) now(last ports.Commit) time.Time {
	now := s.clock().UTC().Truncate(time.Microsecond)
	if now.Before(last.RecordedAt) {
		return last.RecordedAt // the clock was set back
	}
	return now
}
