package servers

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

var redis = Server{
	Name:     "redis",
	Variable: "TEST_REDIS_URL",
	Default:  "redis://127.0.0.1:6379/0",
	version:  redisVersion,
}

const (
	// redisDatabases is how many a server has unless configured otherwise. The
	// one that the URL names only holds the leases.
	redisDatabases = 16

	// redisLease outlasts the ten minutes that go test gives a package, so that
	// what a killed test held is free again afterwards.
	redisLease = 15 * time.Minute

	redisLeaseKey = "prosms_test:lease:" // and the database's number
	redisOursKey  = "prosms_test:ours"   // set of numbers: what is in there is left over from a test
)

// Redis returns the URL of a database of the test's own, which is empty, and is
// emptied when the test ends. It waits while other tests hold them all. A
// database that holds anyone else's data is never touched.
func Redis(t testing.TB) string {
	t.Helper()
	address := redis.find(t)
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatalf("parsing %s: not a Redis URL", redis.Variable)
	}
	leases := goredis.NewClient(options)
	number, err := leaseDatabase(t.Context(), leases)
	if err != nil {
		_ = leases.Close()
		t.Fatalf("finding a free Redis database: %v", err)
	}
	t.Cleanup(func() {
		defer func() { _ = leases.Close() }()
		ctx, cancel := cleanupContext()
		defer cancel()
		if err := releaseDatabase(ctx, leases, number); err != nil {
			t.Errorf("emptying Redis database %d: %v", number, err)
		}
	})
	own, err := url.Parse(address)
	if err != nil {
		t.Fatalf("parsing %s: not a URL", redis.Variable)
	}
	own.Path = "/" + strconv.Itoa(number)
	return own.String()
}

// leaseDatabase waits up to two minutes for a database that is empty or ours.
func leaseDatabase(ctx context.Context, leases *goredis.Client) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		for number := range redisDatabases {
			if number == leases.Options().DB {
				continue
			}
			free, err := tryDatabase(ctx, leases, number)
			if err != nil || free {
				return number, err
			}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("all are leased or hold data: %w", ctx.Err())
		}
	}
}

// tryDatabase leases one database and empties it; false if it is leased or holds
// what no test has put there. A stranger's database stays leased, so that others
// need not look into it again.
func tryDatabase(ctx context.Context, leases *goredis.Client, number int) (bool, error) {
	won, err := leases.SetNX(ctx, redisLeaseKey+strconv.Itoa(number), "1", redisLease).Result()
	if err != nil || !won {
		return false, err
	}
	ours, err := leases.SIsMember(ctx, redisOursKey, number).Result()
	if err != nil {
		return false, err
	}
	strangers := false
	err = onDatabase(leases, number, func(c *goredis.Client) error {
		if ours {
			return c.FlushDB(ctx).Err()
		}
		size, err := c.DBSize(ctx).Result()
		strangers = size > 0
		return err
	})
	if err != nil || strangers {
		return false, err
	}
	return true, leases.SAdd(ctx, redisOursKey, number).Err()
}

func releaseDatabase(ctx context.Context, leases *goredis.Client, number int) error {
	err := onDatabase(leases, number, func(c *goredis.Client) error { return c.FlushDB(ctx).Err() })
	if err != nil {
		return err
	}
	if err := leases.SRem(ctx, redisOursKey, number).Err(); err != nil {
		return err
	}
	return leases.Del(ctx, redisLeaseKey+strconv.Itoa(number)).Err()
}

func onDatabase(leases *goredis.Client, number int, do func(*goredis.Client) error) error {
	options := *leases.Options()
	options.DB = number
	c := goredis.NewClient(&options)
	defer func() { _ = c.Close() }()
	return do(c)
}

func redisVersion(ctx context.Context, address string) (string, error) {
	options, err := goredis.ParseURL(address)
	if err != nil {
		return "", fmt.Errorf("parsing the URL: malformed")
	}
	// The client would try, and log, five times.
	conn, err := new(net.Dialer).DialContext(ctx, options.Network, options.Addr)
	if err != nil {
		return "", err
	}
	_ = conn.Close()
	c := goredis.NewClient(options)
	defer func() { _ = c.Close() }()
	info, err := c.InfoMap(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	return "Redis " + info["Server"]["redis_version"], nil
}
