package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
)

// Sightings is a ports.Sightings for one process. The zero value is ready. It keeps
// what is not complete until its block is seen again.
type Sightings struct {
	Now func() time.Time // nil means time.Now

	mu      sync.Mutex
	samples map[fuse.Block]*sample
}

type sample struct {
	until time.Time
	seen  []ports.Sighting
}

// Add implements ports.Sightings. It never fails.
func (s *Sightings) Add(_ context.Context, size ports.SampleSize, seen map[fuse.Block][]ports.Sighting) (map[fuse.Block][]ports.Sighting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	if s.samples == nil {
		s.samples = map[fuse.Block]*sample{}
	}
	complete := map[fuse.Block][]ports.Sighting{}
	for block, more := range seen {
		kept := s.samples[block]
		if kept == nil || !now.Before(kept.until) {
			kept = &sample{until: now.Add(size.Window)}
			s.samples[block] = kept
		}
		for _, one := range more {
			if len(kept.seen) < size.Texts && !slices.ContainsFunc(kept.seen, func(k ports.Sighting) bool { return k.Number == one.Number }) {
				kept.seen = append(kept.seen, one)
			}
		}
		if len(kept.seen) >= size.Texts {
			complete[block] = kept.seen
			delete(s.samples, block)
		}
	}
	return complete, nil
}
