package web

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/pro-sms/prosms/projections"
)

// How long a selection waits for its replay, and how many there may be.
const (
	selectionLife = 15 * time.Minute
	maxSelections = 100
)

// selection is what a dry run has shown: the replay sends exactly this, whatever
// the filter would select by then.
type selection struct {
	by      string
	tenant  string
	filter  projections.DeadLetterFilter
	ids     []string
	inDoubt bool
	until   time.Time
}

// selections are kept by the instance that made them, each under a token.
type selections struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]selection
}

// keep freezes s and returns its token.
func (s *selections) keep(one selection) string {
	token, now := rand.Text(), s.now()
	one.until = now.Add(selectionLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]selection{}
	}
	oldest, at := "", time.Time{}
	for key, other := range s.open {
		if other.until.Before(now) {
			delete(s.open, key)
		} else if at.IsZero() || other.until.Before(at) {
			oldest, at = key, other.until
		}
	}
	if len(s.open) >= maxSelections {
		delete(s.open, oldest)
	}
	s.open[token] = one
	return token
}

// take returns the selection of a token, once, to who made it.
func (s *selections) take(token, by string) (selection, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[token]
	if !ok || one.by != by || one.until.Before(s.now()) {
		return selection{}, false
	}
	delete(s.open, token)
	return one, true
}
