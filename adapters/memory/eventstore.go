package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// EventStore is a ports.EventStore that lasts as long as the process. It is the
// model that the durable stores are compared with. The zero value is empty and
// ready; it must not be copied.
type EventStore struct {
	mu      sync.Mutex
	log     []events.Recorded
	streams map[string][]int64 // positions by stream
	commits []ports.Commit
	changed chan struct{}
	keyring Keyring
}

// Keyring returns the keys that came with what was appended, and others.
func (s *EventStore) Keyring() *Keyring { return &s.keyring }

// Load implements ports.EventStore.
func (s *EventStore) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("loading stream %s: %w", streamID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream(streamID), nil
}

// LoadMany implements ports.EventStore.
func (s *EventStore) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("loading %d streams: %w", len(streamIDs), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := make(map[string][]events.Recorded)
	for _, id := range streamIDs {
		if len(s.streams[id]) > 0 {
			streams[id] = s.stream(id)
		}
	}
	return streams, nil
}

func (s *EventStore) stream(id string) []events.Recorded {
	var stream []events.Recorded
	for _, position := range s.streams[id] {
		stream = append(stream, s.log[position-1])
	}
	return stream
}

// Read implements ports.EventStore.
func (s *EventStore) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading after position %d: %w", position, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := min(max(position, 0), int64(len(s.log)))
	last := min(first+int64(limit), int64(len(s.log)))
	return slices.Clone(s.log[first:last]), nil
}

// Commits implements ports.EventStore.
func (s *EventStore) Commits(ctx context.Context, position int64, limit int) ([]ports.Commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading commits after position %d: %w", position, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, _ := slices.BinarySearchFunc(s.commits, position+1, func(c ports.Commit, p int64) int {
		return cmp.Compare(c.LastPosition, p)
	})
	return slices.Clone(s.commits[first:min(first+limit, len(s.commits))]), nil
}

// Head implements ports.EventStore.
func (s *EventStore) Head(ctx context.Context) (ports.Commit, error) {
	if err := ctx.Err(); err != nil {
		return ports.Commit{}, fmt.Errorf("reading head: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head(), nil
}

func (s *EventStore) head() ports.Commit {
	if len(s.commits) == 0 {
		return ports.Commit{}
	}
	return s.commits[len(s.commits)-1]
}

// Changed implements ports.EventStore; the channel is closed by the next commit.
func (s *EventStore) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
