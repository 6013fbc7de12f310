package memory

import (
	"bytes"
	"context"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Append implements ports.EventStore. An error means that nothing was written.
func (s *EventStore) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("appending: %w", err)
	}
	prepared, err := prepare(writes)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	commit := ports.Commit{FirstPosition: int64(len(s.log)) + 1, RecordedAt: now()}
	if last := s.head().RecordedAt; commit.RecordedAt.Before(last) {
		commit.RecordedAt = last // the clock was set back
	}
	var (
		digests []events.Hash
		results = make([]ports.Result, len(writes))
		named   = make(map[string]bool)   // streams of the writes so far
		brought = make(map[string][]byte) // keys of the writes so far, by name
	)
	for i, w := range writes {
		err := s.check(w, named, brought)
		named[w.StreamID] = true
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i] = s.record(prepared[i], commit)
		for _, key := range w.Keys {
			if _, err := s.keyring.KeepOrGet(context.WithoutCancel(ctx), key.Name, key.Key); err != nil {
				return nil, err
			}
		}
		for _, r := range s.log[results[i].FirstPosition-1:] {
			digests = append(digests, r.Digest)
		}
	}
	if len(digests) > 0 {
		commit.LastPosition = int64(len(s.log))
		commit.Link = events.Link(s.head().Link, digests...)
		s.commit(commit)
	}
	return results, nil
}

func prepare(writes []ports.Write) ([][]events.Recorded, error) {
	prepared := make([][]events.Recorded, len(writes))
	for i, w := range writes {
		if len(w.Events) == 0 {
			return nil, fmt.Errorf("appending to stream %s: no events", w.StreamID)
		}
		for j, e := range w.Events {
			r, err := events.Prepare(w.StreamID, w.Expected+j+1, e, w.Meta)
			if err != nil {
				return nil, fmt.Errorf("appending to stream %s: %w", w.StreamID, err)
			}
			if err := r.Decode(); err != nil { // as a reader of a durable store gets it
				return nil, fmt.Errorf("appending to stream %s: %w", w.StreamID, err)
			}
			prepared[i] = append(prepared[i], r)
		}
	}
	return prepared, nil
}

// check says why w must be refused.
func (s *EventStore) check(w ports.Write, named map[string]bool, brought map[string][]byte) error {
	conflict := fmt.Errorf("appending to stream %s at version %d: %w", w.StreamID, w.Expected, ports.ErrConflict)
	for _, key := range w.Keys {
		first, ok := brought[key.Name]
		if ok && !bytes.Equal(first, key.Key) || s.keyring.differs(key) {
			return conflict
		}
		brought[key.Name] = key.Key
	}
	for _, r := range append([]ports.Require{{StreamID: w.StreamID, Version: w.Expected}}, w.Requires...) {
		if named[r.StreamID] || len(s.streams[r.StreamID]) != r.Version {
			return conflict
		}
	}
	return nil
}

// record adds the events of one write to the log.
func (s *EventStore) record(prepared []events.Recorded, commit ports.Commit) ports.Result {
	if s.streams == nil {
		s.streams = make(map[string][]int64)
	}
	for _, r := range prepared {
		r.Position, r.RecordedAt = int64(len(s.log))+1, commit.RecordedAt
		r.Digest = events.RowDigest(r.Digest, r.Position, r.RecordedAt)
		s.log = append(s.log, r)
		s.streams[r.StreamID] = append(s.streams[r.StreamID], r.Position)
	}
	last := s.log[len(s.log)-1]
	return ports.Result{
		FirstPosition: last.Position - int64(len(prepared)) + 1, LastPosition: last.Position,
		Version: last.Version, RecordedAt: last.RecordedAt,
	}
}

// commit adds the link and wakes whoever waits for a change.
func (s *EventStore) commit(c ports.Commit) {
	s.commits = append(s.commits, c)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}
