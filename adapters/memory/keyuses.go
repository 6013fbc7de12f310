package memory

import (
	"context"
	"sync"
	"time"
)

// KeyUses is a ports.KeyUses that lasts as long as the process. The zero value is
// ready; it must not be copied.
type KeyUses struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// Used implements ports.KeyUses.
func (k *KeyUses) Used(ctx context.Context, id string, at time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		k.last = map[string]time.Time{}
	}
	if at.After(k.last[id]) {
		k.last[id] = at
	}
	return ctx.Err()
}

// LastUsed implements ports.KeyUses.
func (k *KeyUses) LastUsed(ctx context.Context, ids []string) (map[string]time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := map[string]time.Time{}
	for _, id := range ids {
		if at, ok := k.last[id]; ok {
			last[id] = at
		}
	}
	return last, ctx.Err()
}
