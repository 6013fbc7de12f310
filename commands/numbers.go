package commands

import "sync"

// numbers remembers what was made of numbers that were read: an installation has few
// senders and names one with every text, and whoever is texted is often texted again
// soon. Reading one costs some 10 µs. Its zero value is ready; it is safe for
// concurrent use.
type numbers struct {
	mu    sync.RWMutex
	known map[string]string
}

// maxNumbers are remembered; beyond that it starts anew.
const maxNumbers = 10_000

// parse returns what read makes of raw, which is always the same. What read refuses
// is not remembered.
func (n *numbers) parse(raw string, read func(string) (string, error)) (string, error) {
	n.mu.RLock()
	number, ok := n.known[raw]
	n.mu.RUnlock()
	if ok {
		return number, nil
	}
	number, err := read(raw)
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= maxNumbers {
		n.known = map[string]string{}
	}
	n.known[raw] = number
	return number, nil
}
