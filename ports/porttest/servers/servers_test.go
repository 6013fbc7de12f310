package servers_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestPostgresGivesAnEmptyDatabaseThatIsDroppedThoughConnectionsAreLeft(t *testing.T) {
	var address string
	t.Run("in use", func(t *testing.T) {
		address = servers.Postgres(t)
		conn, err := pgx.Connect(t.Context(), address)
		if err != nil {
			t.Fatalf("connecting: %v", err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = conn.Close(ctx) // long after the database is gone
		})
		var tables int
		err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
		if err != nil || tables != 0 {
			t.Errorf("got %d tables, %v; want none", tables, err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE ours (id int)"); err != nil {
			t.Errorf("the test does not own its database: %v", err)
		}
	})
	if address == "" {
		return // the subtest was skipped for want of a server, or failed, and says so
	}
	if conn, err := pgx.Connect(t.Context(), address); err == nil {
		_ = conn.Close(t.Context())
		t.Errorf("the database is still there after the test")
	}
}

func TestDatabasesOfTwoTestsDiffer(t *testing.T) {
	if a, b := servers.Postgres(t), servers.Postgres(t); a == b {
		t.Errorf("both got %s", a)
	}
	a, b := servers.Redis(t), servers.Redis(t)
	if a == b {
		t.Errorf("both got %s", a)
	}
	if _, first := servers.RabbitMQ(t); !strings.HasSuffix(first, ".") {
		t.Errorf("prefix %q does not end in a dot", first)
	}
}

func TestTheTopologyOfATestIsDeleted(t *testing.T) {
	address, prefix := servers.RabbitMQ(t)
	conn, err := amqp.Dial(address)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	defer func() { _ = conn.Close() }()
	name := prefix + "sms.dispatch"
	t.Run("in use", func(t *testing.T) {
		servers.DeleteTopology(t, address, name, prefix+"never-declared")
		channel := open(t, conn)
		if err := channel.ExchangeDeclare(name, "direct", true, false, false, false, nil); err != nil {
			t.Fatalf("declaring the exchange: %v", err)
		}
		if _, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
			t.Fatalf("declaring the queue: %v", err)
		}
		if err := channel.PublishWithContext(t.Context(), "", name, true, false, amqp.Publishing{}); err != nil {
			t.Fatalf("publishing: %v", err)
		}
	})
	if _, err := open(t, conn).QueueDeclarePassive(name, true, false, false, false, nil); err == nil {
		t.Errorf("queue %s is still there after the test", name)
	}
	if err := open(t, conn).ExchangeDeclarePassive(name, "direct", true, false, false, false, nil); err == nil {
		t.Errorf("exchange %s is still there after the test", name)
	}
}

func open(t *testing.T, conn *amqp.Connection) *amqp.Channel {
	t.Helper()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatalf("opening a channel: %v", err)
	}
	return channel
}

func TestRedisGivesAnEmptyDatabaseAndEmptiesItAfterwards(t *testing.T) {
	var address string
	t.Run("in use", func(t *testing.T) {
		address = servers.Redis(t)
		c := client(t, address)
		if size, err := c.DBSize(t.Context()).Result(); err != nil || size != 0 {
			t.Errorf("got %d keys, %v; want none", size, err)
		}
		if err := c.Set(t.Context(), "key", "value", 0).Err(); err != nil {
			t.Fatalf("writing: %v", err)
		}
	})
	if address == "" {
		return // the subtest was skipped for want of a server, or failed, and says so
	}
	// Another test may hold the database by now, but not our key.
	if n, err := client(t, address).Exists(t.Context(), "key").Result(); err != nil || n != 0 {
		t.Errorf("got %d keys, %v; want none", n, err)
	}
}

func TestRedisPassesOverADatabaseWithAnotherOwnersData(t *testing.T) {
	address, err := url.Parse(servers.Redis(t))
	if err != nil {
		t.Fatalf("parsing: %v", err)
	}
	// Ours by lease, and by a set that we now leave it out of: a stranger's.
	number := strings.TrimPrefix(address.Path, "/")
	c := client(t, address.String())
	if err := c.Set(t.Context(), "precious", "value", 0).Err(); err != nil {
		t.Fatalf("writing: %v", err)
	}
	root := client(t, func() string { a, _ := redisURL(); return a }())
	if err := root.SRem(t.Context(), "prosms_test:ours", number).Err(); err != nil {
		t.Fatalf("disowning: %v", err)
	}
	if err := root.Del(t.Context(), "prosms_test:lease:"+number).Err(); err != nil {
		t.Fatalf("giving up the lease: %v", err)
	}
	for range 3 {
		if got := servers.Redis(t); got == address.String() {
			t.Fatalf("got database %s, which holds data", number)
		}
	}
	if got, err := c.Get(t.Context(), "precious").Result(); err != nil || got != "value" {
		t.Errorf("got %q, %v; want the data untouched", got, err)
	}
}

func redisURL() (string, bool) {
	for _, s := range servers.All() {
		if s.Name == "redis" {
			return s.URL()
		}
	}
	return "", false
}

func client(t *testing.T, address string) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatalf("parsing %s: %v", address, err)
	}
	c := goredis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAServerThatIsNamedAndDoesNotAnswerIsAnError(t *testing.T) {
	for _, s := range servers.All() {
		t.Run(s.Name, func(t *testing.T) {
			scheme, _, _ := strings.Cut(s.Default, ":")
			t.Setenv(s.Variable, scheme+"://someone:secret@127.0.0.1:1/0") // port 1 (tcpmux): nobody listens
			_, _, err := s.Find(t.Context())
			if err == nil {
				t.Fatal("found a server on port 1")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
