package commands

import (
	"container/list"
	"sync"
)

// lru keeps the values that were used last. It is safe for concurrent use.
type lru[V any] struct {
	limit int // 0: 20,000

	mu    sync.Mutex
	order list.List // of *lruEntry[V], the last used first
	byKey map[string]*list.Element
}

type lruEntry[V any] struct {
	key   string
	value V
}

func (c *lru[V]) get(key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*lruEntry[V]).value, true
}

func (c *lru[V]) put(key string, v V) { c.putUnless(key, v, nil) }

// putUnless puts v unless what is there stands, and returns what is there then.
func (c *lru[V]) putUnless(key string, v V, stands func(V) bool) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		entry := e.Value.(*lruEntry[V])
		if stands == nil || !stands(entry.value) {
			entry.value = v
		}
		c.order.MoveToFront(e)
		return entry.value
	}
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	c.byKey[key] = c.order.PushFront(&lruEntry[V]{key, v})
	if len(c.byKey) > orDefault(c.limit, 20_000) {
		last := c.order.Back()
		delete(c.byKey, c.order.Remove(last).(*lruEntry[V]).key)
	}
	return v
}

func (c *lru[V]) drop(key string) { c.take(key) }

// take is get and drop.
func (c *lru[V]) take(key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return v, false
	}
	delete(c.byKey, key)
	return c.order.Remove(e).(*lruEntry[V]).value, true
}
