package main

import (
	"context"
	"errors"
	"log/slog"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/limit"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
)

// limits is a limiter with what depends on its kind.
type limits struct {
	ports.Limiter
	quota    ports.Quota
	breakers ports.BreakerCounts         // nil: in this process
	seen     ports.Sightings             // nil: in this process
	keys     api.SharedKeys              // nil: in this process
	ping     func(context.Context) error // nil: in this process
	close    func() error
}

// openLimits counts requests in Redis, so that all instances share the limits;
// without Redis, or while it is gone, each instance counts for itself.
func openLimits(c Config, login loginFunc, log *slog.Logger) (limits, error) {
	if c.RedisURL == "" {
		return limits{Limiter: &memory.Limiter{}, quota: &memory.Quota{}, close: func() error { return nil }}, nil
	}
	client, err := redis.Open(redis.Config{URL: c.RedisURL, Login: login, Log: log})
	if err != nil {
		return limits{}, err
	}
	return limits{
		Limiter:  &limit.Fallback{Shared: redis.NewLimiter(client), Local: &memory.Limiter{}, Log: log},
		quota:    &limit.Quota{Shared: redis.NewQuota(client), Local: &memory.Quota{}},
		breakers: redis.NewBreakerCounts(client),
		seen:     redis.NewSightings(client),
		keys:     redis.NewKeyCache(client),
		ping:     client.Ping, close: client.Close,
	}, nil
}

// pingRedis asks Redis once.
func pingRedis(ctx context.Context, c Config) error {
	l, err := openLimits(c, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(l.ping(ctx), l.close())
}
