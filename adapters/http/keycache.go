package api

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// maxCachedKeys bounds each of the two generations of a keyCache.
const maxCachedKeys = 5000

// keyCache keeps keys for at most TTL, unknown ones too, so that neither a busy
// client nor somebody guessing asks the store for every request. It is safe for
// concurrent use; requests that miss the same key at once ask once.
type keyCache struct {
	Load func(context.Context, commands.Credential) (domain.Key, error)
	TTL  time.Duration
	Now  func() time.Time

	loading  singleflight.Group
	mu       sync.Mutex
	young    map[string]cachedKey // by id
	old      map[string]cachedKey
	turnedAt time.Time // when young was begun
}

type cachedKey struct {
	key domain.Key
	at  time.Time
}

// Get returns the key that c names, the zero Key where there is none.
func (k *keyCache) Get(ctx context.Context, c commands.Credential) (domain.Key, error) {
	if key, ok := k.cached(c.ID); ok {
		return key, nil
	}
	result := k.loading.DoChan(c.ID, func() (any, error) {
		at := k.Now()
		// The answer is everybody's: it does not end with the request that asked first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		key, err := k.Load(ctx, c)
		if err == nil {
			k.add(c.ID, cachedKey{key, at})
		}
		return key, err
	})
	select {
	case r := <-result:
		key, _ := r.Val.(domain.Key)
		return key, r.Err
	case <-ctx.Done():
		return domain.Key{}, ctx.Err()
	}
}

// Forget makes the next Get ask the store.
func (k *keyCache) Forget(id string) {
	k.loading.Forget(id)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.young, id)
	delete(k.old, id)
}

func (k *keyCache) cached(id string) (domain.Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cached, ok := k.young[id]
	if !ok {
		cached, ok = k.old[id]
	}
	return cached.key, ok && k.Now().Sub(cached.at) < k.TTL
}

// add begins a new generation when the young one is full or has outlived TTL; what
// the old one held is stale, or more than there is room for.
func (k *keyCache) add(id string, key cachedKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.young == nil || len(k.young) >= maxCachedKeys || key.at.Sub(k.turnedAt) >= k.TTL {
		k.old, k.young, k.turnedAt = k.young, map[string]cachedKey{}, key.at
	}
	k.young[id] = key
}
