package rabbitmq

import (
	"context"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// TestWatermillSuite runs Watermill's own conformance suite, in its short form.
// The long one passes too, in 9 s on an idle machine, but has timeouts of its own
// that a busy one does not keep.
func TestWatermillSuite(t *testing.T) {
	config := atBroker(t, Config{TopicQueues: true})
	var mu sync.Mutex
	used := map[string]bool{}
	t.Cleanup(func() {
		for name := range used {
			servers.DeleteTopology(t, config.URL, name)
		}
	})
	// Each side gets a Bus of its own: the suite closes the publisher and goes on
	// with the subscriber.
	open := func(t *testing.T) *Bus {
		b, err := Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = b.Close()
			mu.Lock()
			defer mu.Unlock()
			for _, name := range b.topology.queueNames() {
				used[name] = true
			}
		})
		return b
	}
	tests.TestPubSub(t, tests.Features{
		Persistent:                          true,
		GuaranteedOrder:                     true,
		GuaranteedOrderWithSingleSubscriber: true,
		ForceShort:                          true,
	}, func(t *testing.T) (message.Publisher, message.Subscriber) {
		return open(t), initialized{open(t)}
	}, nil)
}

// initialized declares a topic's queue before anything is published to it. Where two
// connections declare one at the same time, RabbitMQ 3.10 may tell one of them that it
// is there while messages to it still come back, and not all of the suite's tests look
// at what publishing returns.
type initialized struct{ *Bus }

// SubscribeInitialize implements message.SubscribeInitializer.
func (i initialized) SubscribeInitialize(topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), i.config.ConfirmTimeout)
	defer cancel()
	return i.provide(ctx, topic)
}
