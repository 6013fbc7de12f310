package memory

import (
	"context"
	"fmt"
	"sync"
)

// Leader is a ports.Leader among the users of one value. The zero value is
// ready; it must not be copied.
type Leader struct {
	mu    sync.Mutex
	roles map[string]chan struct{} // holds one token while the role is taken
}

// Lead implements ports.Leader.
func (l *Leader) Lead(ctx context.Context, role string, run func(context.Context) error) error {
	taken := l.role(role)
	select {
	case taken <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for role %s: %w", role, ctx.Err())
	}
	defer func() { <-taken }()
	return run(ctx)
}

func (l *Leader) role(name string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.roles == nil {
		l.roles = make(map[string]chan struct{})
	}
	if l.roles[name] == nil {
		l.roles[name] = make(chan struct{}, 1)
	}
	return l.roles[name]
}
