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
// the filter would select by then. It begins one replay, however often its form is
// sent: who presses the button twice, or comes back to the page, is led to that one.
type selection struct {
	by      string
	tenant  string
	filter  projections.DeadLetterFilter
	ids     []string
	inDoubt bool
	until   time.Time

	beginning sync.Mutex
	replay    string // that was begun with it; empty: none yet
}

// begin returns the replay of the selection, which request makes unless it is there.
func (s *selection) begin(request func() (string, error)) (id string, err error) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if s.replay == "" {
		if s.replay, err = request(); err != nil {
			return "", err
		}
	}
	return s.replay, nil
}

// selections are kept by the instance that made them, each under a token.
type selections struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]*selection
}

// keep freezes s and returns its token.
func (s *selections) keep(one *selection) string {
	token, now := rand.Text(), s.now()
	one.until = now.Add(selectionLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*selection{}
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

// find returns the selection of a token to who made it.
func (s *selections) find(token, by string) (*selection, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[token]
	if !ok || one.by != by || one.until.Before(s.now()) {
		return nil, false
	}
	return one, true
}
