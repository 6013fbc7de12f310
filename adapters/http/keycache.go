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

// SharedKeys is a cache of sealed keys that all instances share. Others may read
// and write it; nothing in it is believed unless it opens.
type SharedKeys interface {
	Get(ctx context.Context, id string) (sealed []byte, err error) // nil: there is none
	Put(ctx context.Context, id string, sealed []byte, lasts time.Duration) error
	Delete(ctx context.Context, id string) error
}

// keyCache keeps keys for at most TTL, unknown ones too, so that neither a busy
// client nor somebody guessing asks the store for every request. It is safe for
// concurrent use; requests that miss the same key at once ask once.
//
// Where there is a Shared one, a key is loaded once for all instances. It lasts half
// of TTL there and as long here, so that no key opens longer than TTL after it was
// loaded, whatever the clocks of two instances say. While Shared fails it is left
// alone for a second at a time.
type keyCache struct {
	Load   func(context.Context, commands.Credential) (domain.Key, error)
	TTL    time.Duration
	Now    func() time.Time
	Shared SharedKeys // nil: none
	Seal   commands.KeySeal

	loading  singleflight.Group
	mu       sync.Mutex
	young    map[string]cachedKey // by id
	old      map[string]cachedKey
	turnedAt time.Time // when young was begun
	failedAt time.Time // when Shared failed last
}

type cachedKey struct {
	key       domain.Key
	at        time.Time
	forgotten bool // it has changed just now: only the store knows
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
		if key, ok := k.shared(ctx, c.ID); ok {
			k.add(c.ID, cachedKey{key: key, at: at.Add(-k.TTL / 2)})
			return key, nil
		}
		key, err := k.Load(ctx, c)
		if err == nil {
			k.add(c.ID, cachedKey{key: key, at: at})
			k.share(ctx, c.ID, key, at)
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

// Forget makes the next Get ask the store, here at once, elsewhere within TTL.
func (k *keyCache) Forget(ctx context.Context, id string) {
	k.loading.Forget(id)
	k.add(id, cachedKey{at: k.Now(), forgotten: true})
	if k.Shared != nil && !k.resting() {
		k.noted(k.Shared.Delete(ctx, id))
	}
}

func (k *keyCache) cached(id string) (domain.Key, bool) {
	cached, ok := k.find(id)
	return cached.key, ok && !cached.forgotten
}

// find returns what is kept of a key that is not stale.
func (k *keyCache) find(id string) (cachedKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cached, ok := k.young[id]
	if !ok {
		cached, ok = k.old[id]
	}
	return cached, ok && k.Now().Sub(cached.at) < k.TTL
}

// shared returns a key that another instance has loaded within half of TTL. What is
// older, or from the future, was put back by somebody, or the clocks differ.
func (k *keyCache) shared(ctx context.Context, id string) (domain.Key, bool) {
	if cached, ok := k.find(id); k.Shared == nil || ok && cached.forgotten || k.resting() {
		return domain.Key{}, false
	}
	sealed, err := k.Shared.Get(ctx, id)
	k.noted(err)
	if err != nil || sealed == nil {
		return domain.Key{}, false
	}
	key, at, ok := k.Seal.Open(id, sealed)
	age := k.Now().Sub(at)
	return key, ok && age >= 0 && age < k.TTL/2
}

// share lets other instances have a key that was loaded at a time. There is nothing
// to keep of one that does not exist: anybody can ask for those.
func (k *keyCache) share(ctx context.Context, id string, key domain.Key, at time.Time) {
	lasts := k.TTL/2 - k.Now().Sub(at)
	if k.Shared == nil || key.Issued.Tenant == "" || lasts < time.Millisecond || k.resting() {
		return
	}
	sealed, err := k.Seal.Seal(id, key, at)
	if err == nil {
		k.noted(k.Shared.Put(ctx, id, sealed, lasts))
	}
}

// resting reports whether Shared failed within the last second.
func (k *keyCache) resting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.failedAt.IsZero() && k.Now().Sub(k.failedAt) < time.Second
}

// noted remembers that Shared failed.
func (k *keyCache) noted(err error) {
	if err == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failedAt = k.Now()
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
