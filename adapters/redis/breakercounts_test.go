package redis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestBreakerCounts(t *testing.T) {
	address := servers.Redis(t)
	porttest.BreakerCounts(t, func(t *testing.T, now func() time.Time) ports.BreakerCounts {
		c := redis.NewBreakerCounts(open(t, redis.Config{URL: address, Timeout: patient}))
		c.SetClock(now)
		return c
	})
}

func TestBreakerCountsByTheServersClock(t *testing.T) {
	c := redis.NewBreakerCounts(open(t, redis.Config{URL: servers.Redis(t), Timeout: patient}))
	w := ports.CountWindow{Provider: t.Name(), Span: time.Hour}
	for n := range 3 {
		got, err := c.Add(t.Context(), w, breaker.Tally{Bad: 1, Run: 1})
		if want := (breaker.Tally{Bad: n + 1, Run: n + 1}); err != nil || got != want {
			t.Fatalf("Add = %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestBreakerCountsAreUnavailableWithoutRedis(t *testing.T) {
	c := redis.NewBreakerCounts(open(t, redis.Config{URL: "redis://" + deadAddress(t)}))
	if _, err := c.Add(t.Context(), ports.CountWindow{Provider: "p", Span: time.Minute}, breaker.Tally{}); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Add = %v, want ErrUnavailable", err)
	}
}
