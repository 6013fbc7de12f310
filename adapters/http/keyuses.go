package api

import (
	"context"
	"sync"
	"time"
)

const (
	// noteEvery is how old what is known of the use of a key may be.
	noteEvery = time.Minute
	// noteWithin bounds how much later a request is answered for noting it.
	noteWithin = 250 * time.Millisecond
)

// noted is which keys were noted as used, and when, by this instance.
type noted struct {
	mu sync.Mutex
	at map[string]time.Time
}

// due reports whether the use of a key at now is to be noted, once a minute.
func (n *noted) due(id string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.at[id]; ok && now.Sub(last) < noteEvery {
		return false
	}
	if n.at == nil || len(n.at) >= maxCachedKeys {
		n.at = map[string]time.Time{} // some are noted again too early
	}
	n.at[id] = now
	return true
}

// noteUse notes that a key was used. That it could not be noted stops nobody.
func (a *api) noteUse(ctx context.Context, id string) {
	if a.KeyUses == nil || !a.noted.due(id, a.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err := a.KeyUses.Used(ctx, id, a.Now()); err != nil {
		a.log.WarnContext(ctx, "noting the use of a key", "key", id, "error", err)
	}
}

// addUses says of keys when they were last used.
func (a *api) addUses(ctx context.Context, keys []key) error {
	if a.KeyUses == nil {
		return nil
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	used, err := a.KeyUses.LastUsed(ctx, ids)
	if err != nil {
		return err
	}
	for i, k := range keys {
		if at, ok := used[k.ID]; ok {
			keys[i].LastUsedAt = &at
		}
	}
	return nil
}
