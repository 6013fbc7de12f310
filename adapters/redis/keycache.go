package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/ports"
)

// keyTag is before the id of each API key that is cached.
const keyTag = "prosms:key:"

// KeyCache keeps sealed API keys for all instances on one Redis. Where Redis does
// not answer in time, errors wrap ports.ErrUnavailable.
type KeyCache struct{ client *Client }

// NewKeyCache returns a cache on c, which stays the caller's to close.
func NewKeyCache(c *Client) KeyCache { return KeyCache{c} }

// Get returns what was put for id; nil where there is nothing.
func (k KeyCache) Get(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.client.timeout)
	defer cancel()
	sealed, err := k.client.redis.Get(ctx, keyTag+id).Bytes()
	if errors.Is(err, goredis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading cached key %s: %w: %w", id, ports.ErrUnavailable, err)
	}
	return sealed, nil
}

// Put keeps sealed for id, for a while of at least a millisecond.
func (k KeyCache) Put(ctx context.Context, id string, sealed []byte, lasts time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, k.client.timeout)
	defer cancel()
	if err := k.client.redis.Set(ctx, keyTag+id, sealed, max(lasts, time.Millisecond)).Err(); err != nil {
		return fmt.Errorf("caching key %s: %w: %w", id, ports.ErrUnavailable, err)
	}
	return nil
}

// Delete takes away what was put for id.
func (k KeyCache) Delete(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, k.client.timeout)
	defer cancel()
	if err := k.client.redis.Del(ctx, keyTag+id).Err(); err != nil {
		return fmt.Errorf("dropping cached key %s: %w: %w", id, ports.ErrUnavailable, err)
	}
	return nil
}
