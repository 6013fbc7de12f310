package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// patient is the timeout where the test is not about it: the machine may be busy.
const patient = 10 * time.Second

func open(t *testing.T, c redis.Config) *redis.Client {
	t.Helper()
	client, err := redis.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestLimiter(t *testing.T) {
	address := servers.Redis(t)
	porttest.Limiter(t, func(t *testing.T, now func() time.Time) ports.Limiter {
		l := redis.NewLimiter(open(t, redis.Config{URL: address, Timeout: patient}))
		l.SetClock(now)
		return prefixed{l, t.Name() + "/"}
	})
}

// prefixed gives each law keys of its own on the one server.
type prefixed struct {
	ports.Limiter
	prefix string
}

func (p prefixed) Take(ctx context.Context, limits []ports.Limit) (ports.Taken, error) {
	own := make([]ports.Limit, len(limits))
	for i, limit := range limits {
		limit.Key = p.prefix + limit.Key
		own[i] = limit
	}
	return p.Limiter.Take(ctx, own)
}

func TestLimiterAnswersAsTheOneInMemory(t *testing.T) {
	client := open(t, redis.Config{URL: servers.Redis(t), Timeout: patient})
	history, takes := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		history++
		now := time.UnixMicro(1_772_366_400_000_000)
		clock := func() time.Time { return now }
		shared, local := redis.NewLimiter(client), &memory.Limiter{Now: clock}
		shared.SetClock(clock)
		limit := rapid.Custom(func(r *rapid.T) ports.Limit {
			return ports.Limit{
				Key:   fmt.Sprint(history, "/", rapid.IntRange(0, 2).Draw(r, "key")),
				Rate:  rapid.SampledFrom([]int{1, 3, 7, 100, 4000, 2_000_000}).Draw(r, "rate"),
				Burst: rapid.SampledFrom([]int{1, 2, 3, 10, 1000}).Draw(r, "burst"),
			}
		})
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(-5_000, 400_000).Draw(r, "µs")) * time.Microsecond)
			limits := rapid.SliceOfN(limit, 0, 4).Draw(r, "limits")
			takes++
			want, _ := local.Take(t.Context(), limits)
			got, err := shared.Take(t.Context(), limits)
			if err != nil || got != want {
				r.Fatalf("Take(%+v) = %+v, %v; in memory %+v", limits, got, err, want)
			}
		}
	})
	t.Logf("the same answers to %d calls in %d histories", takes, history)
}

func TestLimiterCountsByTheServersClock(t *testing.T) {
	address := servers.Redis(t)
	l := redis.NewLimiter(open(t, redis.Config{URL: address, Timeout: patient}))
	limits := []ports.Limit{{Key: "key:a", Rate: 10, Burst: 2}}
	passed, deadline := 0, time.Now().Add(patient)
	for passed < 4 && time.Now().Before(deadline) { // two at once, two as time goes by
		taken, err := l.Take(t.Context(), limits)
		switch {
		case err != nil:
			t.Fatal(err)
		case taken.Allowed:
			passed++
		case taken.RetryAfter <= 0 || taken.RetryAfter > 100*time.Millisecond:
			t.Fatalf("refused: %+v", taken)
		}
	}
	if passed != 4 {
		t.Fatalf("%d passed", passed)
	}
	raw := rawClient(t, address)
	keys, err := raw.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) > 1 {
		t.Fatalf("keys %q, %v", keys, err)
	}
	for _, key := range keys { // none if it has gone already
		ttl, err := raw.PTTL(t.Context(), key).Result()
		if err != nil || ttl == -1 || ttl > 200*time.Millisecond || !strings.HasPrefix(key, "{") {
			t.Errorf("%s lives for %v, %v", key, ttl, err)
		}
	}
}

func TestLimiterSurvivesALostScript(t *testing.T) {
	address := servers.Redis(t)
	l := redis.NewLimiter(open(t, redis.Config{URL: address, Timeout: patient}))
	limits := []ports.Limit{{Key: "key:a", Rate: 1, Burst: 100}}
	for range 3 {
		if _, err := l.Take(t.Context(), limits); err != nil {
			t.Fatal(err)
		}
		// Other tests' scripts go as well; they are sent again, as ours is.
		if err := rawClient(t, address).ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnreachableRedisIsUnavailableAtOnce(t *testing.T) {
	for name, address := range map[string]string{"nobody listens": deadAddress(t), "nobody answers": silentAddress(t)} {
		t.Run(name, func(t *testing.T) {
			client := open(t, redis.Config{URL: "redis://:hunter2@" + address, Timeout: 20 * time.Millisecond, Dial: 100 * time.Millisecond})
			started := time.Now()
			_, err := redis.NewLimiter(client).Take(t.Context(), []ports.Limit{{Key: "ip:192.0.2.1", Rate: 1, Burst: 1}})
			if !errors.Is(err, ports.ErrUnavailable) || strings.Contains(err.Error(), "192.0.2.1") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Take: %v", err)
			}
			if waited := time.Since(started); waited > 2*time.Second { // 20 ms, on a busy machine
				t.Errorf("Take took %v", waited)
			}
			if err := client.Ping(t.Context()); !errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

func TestPingSucceedsWhereRedisAnswers(t *testing.T) {
	if err := open(t, redis.Config{URL: servers.Redis(t), Timeout: patient}).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesAMalformedURLWithoutQuotingIt(t *testing.T) {
	for _, address := range []string{"", "http://:hunter2@host", "redis://:hunter2@ho st", "redis://:hunter2@host/x"} {
		if _, err := redis.Open(redis.Config{URL: address}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q): %v", address, err)
		}
	}
}

func rawClient(t *testing.T, address string) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// deadAddress is one that refuses connections.
func deadAddress(t *testing.T) string {
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

// silentAddress is one that takes connections and never answers.
func silentAddress(t *testing.T) string {
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func BenchmarkLimiter(b *testing.B) {
	client, err := redis.Open(redis.Config{URL: servers.Redis(b), Timeout: patient})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	l := redis.NewLimiter(client)
	limits := []ports.Limit{{Key: "key:a", Rate: 1_000_000, Burst: 1_000_000}, {Key: "ip:192.0.2.1", Rate: 1_000_000, Burst: 1_000_000}}
	for b.Loop() {
		if _, err := l.Take(b.Context(), limits); err != nil {
			b.Fatal(err)
		}
	}
}
