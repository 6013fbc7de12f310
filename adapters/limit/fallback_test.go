package limit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/limit"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// breakable is a limiter in memory that can be cut off.
type breakable struct {
	memory.Limiter
	mu    sync.Mutex
	gone  error
	asked int
}

func (b *breakable) Take(ctx context.Context, limits []ports.Limit) (ports.Taken, error) {
	b.mu.Lock()
	b.asked++
	err := b.gone
	b.mu.Unlock()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return ports.Taken{}, err
	}
	return b.Limiter.Take(ctx, limits)
}

func (b *breakable) cut(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = err
}

var errGone = errors.New("connection refused")

func TestFallback(t *testing.T) {
	t.Run("with the shared limiter", func(t *testing.T) {
		porttest.Limiter(t, func(_ *testing.T, now func() time.Time) ports.Limiter {
			return &limit.Fallback{Shared: &memory.Limiter{Now: now}, Local: refusing{}, Now: now}
		})
	})
	t.Run("without it", func(t *testing.T) {
		porttest.Limiter(t, func(_ *testing.T, now func() time.Time) ports.Limiter {
			return &limit.Fallback{Shared: &breakable{gone: errGone}, Local: &memory.Limiter{Now: now}, Now: now}
		})
	})
}

// refusing must not be asked.
type refusing struct{}

func (refusing) Take(context.Context, []ports.Limit) (ports.Taken, error) {
	return ports.Taken{}, errors.New("the local limiter was asked")
}

func TestFallbackLimitsByItselfWhileTheSharedLimiterIsGone(t *testing.T) {
	now := time.Unix(1000, 0)
	clock := func() time.Time { return now }
	shared := &breakable{Limiter: memory.Limiter{Now: clock}}
	var log bytes.Buffer
	f := &limit.Fallback{
		Shared: shared, Local: &memory.Limiter{Now: clock}, Now: clock,
		Pause: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	limits := []ports.Limit{{Key: "key:a", Rate: 1, Burst: 3}}
	expect := func(passed, asked int, down bool) {
		t.Helper()
		before, got := shared.asked, 0
		for range 10 {
			taken, err := f.Take(t.Context(), limits)
			if err != nil {
				t.Fatal(err)
			}
			if taken.Allowed {
				got++
			}
		}
		if got != passed || shared.asked-before != asked || f.Down() != down {
			t.Errorf("of 10, %d passed and %d asked, down %v; want %d, %d, %v", got, shared.asked-before, f.Down(), passed, asked, down)
		}
	}
	expect(3, 10, false)
	shared.cut(errGone)
	expect(3, 1, true) // a fresh local limit, and one failure is enough
	expect(0, 0, true)
	now = now.Add(999 * time.Millisecond)
	expect(0, 0, true)
	now = now.Add(time.Millisecond)
	expect(1, 1, true) // one try, in vain
	now = now.Add(time.Second)
	shared.cut(nil)
	expect(2, 10, false) // two seconds' worth: the shared limiter was not taken from meanwhile
	if got := strings.Count(log.String(), "\n"); got != 2 || strings.Contains(log.String(), "key:a") {
		t.Errorf("log of going and coming back:\n%s", log.String())
	}
}

func TestAClientThatGoesAwaySaysNothingOfTheSharedLimiter(t *testing.T) {
	f := &limit.Fallback{Shared: &breakable{}, Local: &memory.Limiter{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	taken, err := f.Take(ctx, []ports.Limit{{Key: "key:a", Rate: 1, Burst: 1}})
	if err != nil || !taken.Allowed || f.Down() {
		t.Errorf("Take = %+v, %v; down %v", taken, err, f.Down())
	}
}

func TestConcurrentRequestsShareOneTry(t *testing.T) {
	shared := &breakable{gone: errGone}
	now := time.Unix(1000, 0)
	f := &limit.Fallback{Shared: shared, Local: &memory.Limiter{}, Now: func() time.Time { return now }}
	limits := []ports.Limit{{Key: "key:a", Rate: 1, Burst: 1}}
	if _, err := f.Take(t.Context(), limits); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := f.Take(t.Context(), limits); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if shared.asked != 2 {
		t.Errorf("%d asked, want 2: the first, and one of 50", shared.asked)
	}
}

func TestFallbackHoldsWhereRedisNeverWas(t *testing.T) {
	client, err := redis.Open(redis.Config{URL: "redis://127.0.0.1:1", Timeout: 20 * time.Millisecond, Dial: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	f := &limit.Fallback{Shared: redis.NewLimiter(client), Local: &memory.Limiter{}, Pause: time.Hour}
	limits := []ports.Limit{{Key: "key:a", Rate: 1, Burst: 5}}
	passed := 0
	for range 20 {
		taken, err := f.Take(t.Context(), limits)
		if err != nil {
			t.Fatal(err)
		}
		if taken.Allowed {
			passed++
		}
	}
	if passed != 5 || !f.Down() {
		t.Errorf("%d of 20 passed, down %v; want a burst of 5", passed, f.Down())
	}
}
