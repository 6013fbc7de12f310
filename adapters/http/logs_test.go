package api_test

import (
	"bytes"
	"sync"
)

// lockedBuffer lets concurrent requests log into one buffer.
type lockedBuffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// log returns what was logged so far.
func (w *world) log() string {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	return w.logs.log.String()
}
