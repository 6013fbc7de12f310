package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestQuota(t *testing.T) {
	client := open(t, redis.Config{URL: servers.Redis(t), Timeout: patient})
	porttest.Quota(t, func(*testing.T) ports.Quota { return redis.NewQuota(client) })
}

func TestACountOfTheDayIsForgottenAfterIt(t *testing.T) {
	address := servers.Redis(t)
	quota := redis.NewQuota(open(t, redis.Config{URL: address, Timeout: patient}))
	a := ports.Allowance{
		Key: t.Name(), Limit: ports.Usage{Messages: 1}, Until: time.Now().Add(time.Hour),
		Used: func(context.Context) (ports.Usage, error) { return ports.Usage{}, nil },
	}
	if _, err := quota.Use(t.Context(), a, []ports.Usage{{Messages: 1}}); err != nil {
		t.Fatal(err)
	}
	ttl, err := rawClient(t, address).PTTL(t.Context(), "prosms:quota:"+a.Key).Result()
	if err != nil || ttl <= 59*time.Minute || ttl > time.Hour {
		t.Errorf("it lives for %v, %v; want an hour", ttl, err)
	}
}
