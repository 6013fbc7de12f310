package sqlite

import (
	"context"
	"sync"
)

// turns gives things out by name, each to one holder at a time. Since one process
// has the database, this is all the mutual exclusion there is to see to. The zero
// value is ready.
type turns struct {
	mu   sync.Mutex
	held map[string]chan struct{} // contains a token while it is held
}

// take waits for name and returns how to give it back. Once ctx has ended it
// gives nothing out.
func (t *turns) take(ctx context.Context, name string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	held := t.named(name)
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *turns) named(name string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = make(map[string]chan struct{})
	}
	if t.held[name] == nil {
		t.held[name] = make(chan struct{}, 1)
	}
	return t.held[name]
}
