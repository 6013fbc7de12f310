package api

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// keyHouse is a store of one key, a shared cache in memory, and a clock.
type keyHouse struct {
	now    time.Time
	key    domain.Key
	loads  int
	sealed map[string][]byte
	until  map[string]time.Time
	fails  bool
	asked  int
}

func newKeyHouse() *keyHouse {
	return &keyHouse{
		now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), key: domain.Key{Issued: events.KeyIssued{Tenant: "acme"}},
		sealed: map[string][]byte{}, until: map[string]time.Time{},
	}
}

func (h *keyHouse) Get(_ context.Context, id string) ([]byte, error) {
	h.asked++
	switch {
	case h.fails:
		return nil, ports.ErrUnavailable
	case !h.now.Before(h.until[id]):
		return nil, nil
	}
	return h.sealed[id], nil
}

func (h *keyHouse) Put(_ context.Context, id string, sealed []byte, lasts time.Duration) error {
	if h.fails {
		return ports.ErrUnavailable
	}
	h.sealed[id], h.until[id] = sealed, h.now.Add(lasts)
	return nil
}

func (h *keyHouse) Delete(_ context.Context, id string) error {
	if h.fails {
		return ports.ErrUnavailable
	}
	delete(h.sealed, id)
	return nil
}

// cache is an instance's, whose clock is ahead of the others.
func (h *keyHouse) cache(ahead time.Duration) *keyCache {
	return &keyCache{
		TTL: time.Second, Now: func() time.Time { return h.now.Add(ahead) }, Shared: h, Seal: commands.Lookup("a key").KeySeal(),
		Load: func(context.Context, commands.Credential) (domain.Key, error) {
			h.loads++
			return h.key, nil
		},
	}
}

var credential = commands.Credential{ID: "k"}

func valid(t *testing.T, k *keyCache) bool {
	t.Helper()
	key, err := k.Get(t.Context(), credential)
	if err != nil {
		t.Fatal(err)
	}
	return key.Issued.Tenant == "acme" && !key.Revoked
}

func TestAKeyIsLoadedOnceForAllInstances(t *testing.T) {
	h := newKeyHouse()
	one, other := h.cache(0), h.cache(0)
	if !valid(t, one) || !valid(t, other) || !valid(t, other) || h.loads != 1 {
		t.Errorf("%d loads, want 1", h.loads)
	}
	h.key = domain.Key{}
	h.now = h.now.Add(2 * time.Second)
	if valid(t, one) || valid(t, other) || h.loads != 3 || len(h.sealed) != 1 {
		t.Errorf("%d loads of a key that is not there, want one by each; %d cached", h.loads, len(h.sealed))
	}
}

func TestARevokedKeyIsRefusedEverywhereWithinASecond(t *testing.T) {
	for _, ahead := range []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond, 10 * time.Second, -100 * time.Millisecond, -400 * time.Millisecond, -10 * time.Second} {
		for read := time.Duration(0); read <= 1200*time.Millisecond; read += 50 * time.Millisecond {
			h := newKeyHouse()
			one, other := h.cache(0), h.cache(ahead)
			if !valid(t, one) {
				t.Fatal("a good key is refused")
			}
			began := h.now
			h.now = began.Add(read)
			valid(t, other) // the other learns of it as late as that, from whoever knows
			h.key.Revoked = true
			revoked := h.now
			one.Forget(t.Context(), "k")
			if valid(t, one) {
				t.Error("it opens where it was revoked")
			}
			h.now = revoked.Add(time.Second)
			if valid(t, other) {
				t.Errorf("a second later it still opens, read after %v by a clock ahead by %v", read, ahead)
			}
		}
	}
}

func TestAKeyRevokedElsewhereIsRefusedWithinASecondAlthoughTheCacheIsWarm(t *testing.T) {
	for read := time.Duration(0); read < time.Second; read += 50 * time.Millisecond {
		h := newKeyHouse()
		valid(t, h.cache(0))
		h.key.Revoked = true // by the command line, which knows of no cache
		revoked := h.now
		other := h.cache(0)
		h.now = revoked.Add(read)
		valid(t, other)
		h.now = revoked.Add(time.Second)
		if valid(t, other) {
			t.Errorf("a second later it still opens, read after %v", read)
		}
	}
}

func TestAPoisonedCacheOpensNothing(t *testing.T) {
	h := newKeyHouse()
	good, err := commands.Lookup("a key").KeySeal().Seal("k", h.key, h.now)
	if err != nil {
		t.Fatal(err)
	}
	another, err := commands.Lookup("a key").KeySeal().Seal("another", h.key, h.now)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := commands.Lookup("another key").KeySeal().Seal("k", h.key, h.now)
	if err != nil {
		t.Fatal(err)
	}
	future, err := commands.Lookup("a key").KeySeal().Seal("k", h.key, h.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	h.key.Revoked = true
	h.now = h.now.Add(time.Second)
	for name, sealed := range map[string][]byte{
		"one from before it was revoked": good, "another key's": another, "one of another installation": forged, "one for later": future,
		"nothing": {}, "a few bytes": []byte("x"), "many bytes": make([]byte, 1<<20), "plain": []byte(`{"key":{"Issued":{"tenant":"acme"}}}`),
	} {
		h.sealed["k"], h.until["k"] = sealed, h.now.Add(time.Hour)
		if valid(t, h.cache(0)) {
			t.Errorf("%s opens", name)
		}
	}
}

func TestWithoutTheSharedCacheTheStoreIsAsked(t *testing.T) {
	h := newKeyHouse()
	h.fails = true
	k := h.cache(0)
	for i := range 3 {
		k.Forget(t.Context(), "k")
		if !valid(t, k) || h.loads != i+1 {
			t.Errorf("%d loads after %d", h.loads, i+1)
		}
	}
	if h.asked > 1 {
		t.Errorf("a cache that is gone was asked %d times at once", h.asked)
	}
	h.fails = false
	h.now = h.now.Add(2 * time.Second)
	valid(t, k)
	if !valid(t, h.cache(0)) || h.loads != 4 {
		t.Errorf("once it was back: %d loads", h.loads)
	}
	failing := &keyCache{
		TTL: time.Second, Now: func() time.Time { return h.now.Add(time.Hour) }, Shared: h, Seal: k.Seal,
		Load: func(context.Context, commands.Credential) (domain.Key, error) {
			return domain.Key{}, fmt.Errorf("loading: %w", ports.ErrUnavailable)
		},
	}
	if _, err := failing.Get(t.Context(), credential); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("neither store nor cache: %v", err)
	}
}
