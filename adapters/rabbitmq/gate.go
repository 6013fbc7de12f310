package rabbitmq

import (
	"fmt"
	"sync"

	"github.com/pro-sms/prosms/ports"
)

// gate lets calls in until it is closed, and knows when all are out. The zero
// value is open.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// begin lets a call in, which end lets out. It fails once the gate is closed.
func (g *gate) begin() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return fmt.Errorf("%w: %w", ports.ErrUnavailable, errClosed)
	}
	g.inside.Add(1)
	return nil
}

func (g *gate) end() { g.inside.Done() }

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// wait waits until all calls are out.
func (g *gate) wait() { g.inside.Wait() }
