package porttest

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Spoiled is a store in which the payloads of some events are not what their types
// say, as after a fault of a disk or a build.
type Spoiled struct {
	ports.EventStore

	mu sync.Mutex
	at map[int64]bool
}

// Spoil has the events at positions be spoiled, and no others.
func (s *Spoiled) Spoil(positions ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = map[int64]bool{}
	for _, position := range positions {
		s.at[position] = true
	}
}

// Load implements ports.EventStore.
func (s *Spoiled) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	recorded, err := s.EventStore.Load(ctx, streamID)
	return recorded, s.read(err, recorded)
}

// LoadMany implements ports.EventStore.
func (s *Spoiled) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	streams, err := s.EventStore.LoadMany(ctx, streamIDs)
	for _, recorded := range streams {
		err = s.read(err, recorded)
	}
	return streams, err
}

// Read implements ports.EventStore.
func (s *Spoiled) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := s.EventStore.Read(ctx, position, limit)
	return page, s.read(err, page)
}

func (s *Spoiled) read(err error, recorded []events.Recorded) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range recorded {
		if s.at[r.Position] {
			recorded[i].RawData = json.RawMessage(`[]`)
			if fault := recorded[i].Decode(); err == nil {
				err = fault
			}
		}
	}
	return err
}
