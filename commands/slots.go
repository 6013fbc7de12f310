package commands

import (
	"context"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain"
)

// slots bounds the provider calls in flight. Lower lanes cannot take them all, so
// that an urgent text finds one free however much bulk is under way; and while many
// urgent frames are being claimed, which are of one text each, lower lanes with their
// large frames give way.
type slots struct {
	mu     sync.Mutex
	used   int
	limit  map[domain.Lane]int // used may not exceed it through this lane
	freed  chan struct{}       // closed, and replaced, when slots are released
	urgent int                 // frames of lane high that are being claimed
	calm   chan struct{}       // closed, and replaced, when they become fewer than rush
}

const (
	rush     = 8                      // urgent frames at once that others give way to
	giveWays = 250 * time.Millisecond // for how long at most, for each claim
)

func newSlots(n int) *slots {
	return &slots{
		limit: map[domain.Lane]int{
			domain.High:   n,
			domain.Normal: max(1, n-n/8),
			domain.Bulk:   max(1, n/2),
		},
		freed: make(chan struct{}),
		calm:  make(chan struct{}),
	}
}

// claiming says that a frame of lane is being claimed, until done is called.
func (s *slots) claiming(lane domain.Lane) (done func()) {
	if lane != domain.High {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.urgent--; s.urgent == rush-1 {
			close(s.calm)
			s.calm = make(chan struct{})
		}
	}
}

// giveWay returns when few urgent frames are being claimed, or its time is over.
func (s *slots) giveWay(ctx context.Context, lane domain.Lane) {
	s.mu.Lock()
	calm, hurry := s.calm, s.urgent >= rush
	s.mu.Unlock()
	if lane == domain.High || !hurry {
		return
	}
	patience := time.NewTimer(giveWays)
	defer patience.Stop()
	select {
	case <-calm:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// acquire waits for a slot and takes up to want of those that are free.
func (s *slots) acquire(ctx context.Context, lane domain.Lane, want int) (int, error) {
	s.giveWay(ctx, lane)
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s.mu.Lock()
		n := min(want, s.limit[lane]-s.used)
		if n > 0 {
			s.used += n
			s.mu.Unlock()
			return n, nil
		}
		freed := s.freed
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (s *slots) release(n int) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	close(s.freed)
	s.freed = make(chan struct{})
}
