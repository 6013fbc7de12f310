package commands

import (
	"sync"

	"github.com/pro-sms/prosms/domain/phone"
)

// senders remembers what phone.ParseSender made of senders: an installation has few,
// and names one with every text. Its zero value is ready; it is safe for concurrent use.
type senders struct {
	mu    sync.RWMutex
	known map[string]string
}

// maxSenders are remembered; beyond that it starts anew.
const maxSenders = 1000

func (s *senders) parse(raw string) (string, error) {
	s.mu.RLock()
	sender, ok := s.known[raw]
	s.mu.RUnlock()
	if ok {
		return sender, nil
	}
	sender, err := phone.ParseSender(raw)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxSenders {
		s.known = map[string]string{}
	}
	s.known[raw] = sender
	return sender, nil
}
