package rabbitmq

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestBus(t *testing.T) {
	porttest.Bus(t, func(t *testing.T) ports.Bus {
		return open(t, Config{})
	})
}

// open returns a bus at a corner of the broker of its own, with defaults for
// tests in c. It is closed, and what it declared deleted, when the test ends.
func open(t *testing.T, c Config) *Bus {
	t.Helper()
	c = atBroker(t, c)
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

// atBroker fills c with defaults for tests, and deletes what it declares when
// the test ends.
func atBroker(t *testing.T, c Config) Config {
	t.Helper()
	address, prefix := servers.RabbitMQ(t)
	setDefault(&c.URL, address)
	setDefault(&c.Prefix, prefix)
	setDefault(&c.PublishChannels, 2)
	setDefault(&c.RedeliverAfter, time.Millisecond)
	setDefault(&c.RedeliverMax, 10*time.Millisecond)
	setDefault(&c.DrainTimeout, 100*time.Millisecond)
	if c.EventConsumers == nil {
		c.EventConsumers = porttest.BusEventConsumers
	}
	declared := newTopology(c)
	names := declared.queueNames()
	for _, e := range declared.exchanges {
		names = append(names, e.name)
	}
	servers.DeleteTopology(t, address, names...)
	return c
}
