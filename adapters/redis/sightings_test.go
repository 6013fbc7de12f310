package redis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestSightings(t *testing.T) {
	address := servers.Redis(t)
	porttest.Sightings(t, func(t *testing.T) ports.Sightings {
		return redis.NewSightings(open(t, redis.Config{URL: address, Timeout: patient}))
	})
}

func TestSightingsAreUnavailableWithoutRedis(t *testing.T) {
	s := redis.NewSightings(open(t, redis.Config{URL: "redis://" + deadAddress(t)}))
	seen := map[fuse.Block][]ports.Sighting{{Tenant: "acme", Prefix: "+1415555"}: {{Number: 1, MessageID: "msg_1"}}}
	if _, err := s.Add(t.Context(), ports.SampleSize{Texts: 2, Window: time.Minute}, seen); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Add = %v, want ErrUnavailable", err)
	}
}
