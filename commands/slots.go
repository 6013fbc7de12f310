package commands

import (
	"context"
	"sync"

	"github.com/pro-sms/prosms/domain"
)

// slots bounds the provider calls in flight. Lower lanes cannot take them all, so
// that an urgent text finds one free however much bulk is under way.
type slots struct {
	mu    sync.Mutex
	used  int
	limit map[domain.Lane]int // used may not exceed it through this lane
	freed chan struct{}       // closed, and replaced, when slots are released
}

func newSlots(n int) *slots {
	return &slots{
		limit: map[domain.Lane]int{
			domain.High:   n,
			domain.Normal: max(1, n-n/8),
			domain.Bulk:   max(1, n/2),
		},
		freed: make(chan struct{}),
	}
}

// acquire waits for a slot and takes up to want of those that are free.
func (s *slots) acquire(ctx context.Context, lane domain.Lane, want int) (int, error) {
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
