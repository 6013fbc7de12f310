package redis_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestCachedKeysLastAsLongAsTheyAreTo(t *testing.T) {
	url := servers.Redis(t)
	open := func() redis.KeyCache {
		client, err := redis.Open(redis.Config{URL: url, Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return redis.NewKeyCache(client)
	}
	one, other := open(), open()
	want := func(when, id string, value []byte) {
		t.Helper()
		if got, err := other.Get(t.Context(), id); err != nil || !bytes.Equal(got, value) {
			t.Errorf("%s: %q, %v; want %q", when, got, err, value)
		}
	}
	want("before", "a", nil)
	if err := errors.Join(one.Put(t.Context(), "a", []byte("\x00sealed"), time.Minute), one.Put(t.Context(), "b", []byte("b"), 0)); err != nil {
		t.Fatal(err)
	}
	want("put", "a", []byte("\x00sealed"))
	if err := one.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	want("dropped", "a", nil)
	deadline := time.Now().Add(5 * time.Second)
	for {
		got, err := other.Get(t.Context(), "b")
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("what was to last no time at all is still there: %q, %v", got, err)
		}
		if got == nil {
			break
		}
	}
}

func TestACacheOfKeysThatIsGoneSaysSo(t *testing.T) {
	client, err := redis.Open(redis.Config{URL: "redis://127.0.0.1:1/0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	cache := redis.NewKeyCache(client)
	_, got := cache.Get(t.Context(), "a")
	for _, err := range []error{got, cache.Put(t.Context(), "a", nil, time.Second), cache.Delete(t.Context(), "a")} {
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
}
