package rabbitmq

import (
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBus(t *testing.T) {
	porttest.Bus(t, func(t *testing.T) ports.Bus {
		return open(t, atBroker(t, Config{}))
	})
}

// within is how long anything may take that does happen.
const within = 10 * time.Second

var bulk = ports.DispatchTopic(domain.Bulk)

// atBroker fills c with defaults for tests and a corner of the broker of its own.
// What it declares is deleted when the test ends.
func atBroker(t *testing.T, c Config) Config {
	t.Helper()
	address, prefix := servers.RabbitMQ(t)
	c.URL, c.Prefix = address, prefix
	setDefault(&c.PublishChannels, 2)
	setDefault(&c.RedeliverAfter, time.Millisecond)
	setDefault(&c.RedeliverMax, 10*time.Millisecond)
	setDefault(&c.DrainTimeout, 100*time.Millisecond)
	c.EventConsumers = porttest.BusEventConsumers
	declared := newTopology(c)
	names := declared.queueNames()
	for _, e := range declared.exchanges {
		names = append(names, e.name)
	}
	servers.DeleteTopology(t, address, names...)
	return c
}

// open returns a bus that is closed when the test ends.
func open(t *testing.T, c Config) *Bus {
	t.Helper()
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// broker returns a channel past the bus, for what others do at the broker.
func broker(t *testing.T, c Config) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// numbered returns messages with their numbers, from first on, as ids and payloads.
func numbered(first, n int) []*message.Message {
	messages := make([]*message.Message, n)
	for i := range messages {
		id := strconv.Itoa(first + i)
		messages[i] = message.NewMessage(id, []byte(id))
	}
	return messages
}

func publish(t *testing.T, b *Bus, topic string, messages ...*message.Message) {
	t.Helper()
	if err := b.Publish(topic, messages...); err != nil {
		t.Fatalf("Publish: %v", err)
	}
}

func subscribe(t *testing.T, b *Bus, topic string) <-chan *message.Message {
	t.Helper()
	messages, err := b.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func receive(t *testing.T, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the subscription has ended")
		}
		return m
	case <-time.After(within):
		t.Fatalf("no message within %s", within)
	}
	return nil
}

// eventually waits until try succeeds.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.After(within)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("still after %s: %v", within, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
