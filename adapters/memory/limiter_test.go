package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestLimiter(t *testing.T) {
	porttest.Limiter(t, func(_ *testing.T, now func() time.Time) ports.Limiter {
		return &memory.Limiter{Now: now}
	})
}

func TestLimiterOfManyKeysForgetsThoseNearestToWhole(t *testing.T) {
	now := time.Unix(1000, 0)
	l := &memory.Limiter{MaxKeys: 8, Now: func() time.Time { return now }}
	take := func(key string) bool {
		t.Helper()
		taken, err := l.Take(t.Context(), []ports.Limit{{Key: key, Rate: 1, Burst: 2}})
		if err != nil {
			t.Fatal(err)
		}
		return taken.Allowed
	}
	if first, second, third := take("guilty"), take("guilty"), take("guilty"); !first || !second || third {
		t.Fatal("a burst of 2 is not 2")
	}
	for i := range 1000 {
		take(fmt.Sprint("passer-by ", i))
		if l.Keys() > 8 {
			t.Fatalf("%d keys are kept", l.Keys())
		}
	}
	if take("guilty") {
		t.Error("the most exhausted key was forgotten")
	}
	now = now.Add(time.Hour)
	for i := range 8 {
		take(fmt.Sprint("late ", i))
	}
	if !take("guilty") {
		t.Error("a limit is not whole after an hour")
	}
}

func TestLimiterCountsByTheRealClockUnlessToldOtherwise(t *testing.T) {
	var l memory.Limiter
	limits := []ports.Limit{{Key: "key:a", Rate: 1, Burst: 1}}
	first, _ := l.Take(t.Context(), limits)
	second, _ := l.Take(t.Context(), limits)
	if !first.Allowed || second.Allowed || second.RetryAfter > time.Second || second.RetryAfter <= 0 {
		t.Errorf("got %+v, then %+v", first, second)
	}
}

func BenchmarkLimiter(b *testing.B) {
	var l memory.Limiter
	limits := []ports.Limit{{Key: "key:a", Rate: 1_000_000, Burst: 1_000_000}, {Key: "ip:192.0.2.1", Rate: 1_000_000, Burst: 1_000_000}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Take(b.Context(), limits); err != nil {
			b.Fatal(err)
		}
	}
}
