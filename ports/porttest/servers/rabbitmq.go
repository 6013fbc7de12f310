package servers

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

var rabbitmq = Server{
	Name:     "rabbitmq",
	Variable: "TEST_RABBITMQ_URL",
	Default:  "amqp://guest:guest@127.0.0.1:5672/",
	version:  rabbitVersion,
}

// testName is what DeleteTopology agrees to delete: names with a prefix of ours.
var testName = regexp.MustCompile(`^t[0-9a-f]{8}\..`)

// RabbitMQ returns the broker's URL and a prefix, such as "t3f9a01c2.", for the
// names of all exchanges and queues of the test. AMQP cannot list names: the test
// hands what it declares to DeleteTopology.
func RabbitMQ(t testing.TB) (address, prefix string) {
	t.Helper()
	return rabbitmq.find(t), "t" + randomName(4) + "."
}

// DeleteTopology deletes the exchanges and the queues called names, with what is
// in them, when the test ends; those that do not exist are passed over. Called
// before the adapter is opened, it deletes after the adapter's own cleanup.
// A name without a prefix from RabbitMQ fails the test.
func DeleteTopology(t testing.TB, address string, names ...string) {
	t.Helper()
	for _, name := range names {
		if !testName.MatchString(name) {
			t.Fatalf("deleting %q: not a name of a test's own", name)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		if err := deleteTopology(ctx, address, names); err != nil {
			t.Errorf("deleting the topology of the test: %v", err)
		}
	})
}

func deleteTopology(ctx context.Context, address string, names []string) error {
	conn, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := channel.QueueDelete(name, false, false, false); err != nil {
			return fmt.Errorf("deleting queue %s: %w", name, err)
		}
		if err := channel.ExchangeDelete(name, false, false); err != nil {
			return fmt.Errorf("deleting exchange %s: %w", name, err)
		}
	}
	return nil
}

func rabbitVersion(ctx context.Context, address string) (string, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	return fmt.Sprintf("%v %v", conn.Properties["product"], conn.Properties["version"]), nil
}

// dial connects; ctx bounds the connection as well as the handshake.
func dial(ctx context.Context, address string) (*amqp.Connection, error) {
	return amqp.DialConfig(address, amqp.Config{
		Dial: func(network, host string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, host)
			if err != nil {
				return nil, err
			}
			if deadline, ok := ctx.Deadline(); ok {
				err = conn.SetDeadline(deadline) // the library lifts it when the connection is open
			}
			return conn, err
		},
	})
}
