// Package rabbitmq is the bus on RabbitMQ 3.10 and later: quorum queues, every
// message persistent, confirmed and routed, every delivery acked by its handler.
//
// It uses Watermill's contract and none of watermill-amqp: publishing there waits
// for one confirm at a time and for ever, and its consuming takes the end of a
// channel for a message and lets a nacked one go round in a hot loop.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/ports"
)

var errClosed = errors.New("bus is closed")

// Bus is a ports.Bus. It keeps two connections, because a broker short of memory
// or disk stops reading from those that publish, and acks have to flow.
type Bus struct {
	config     Config
	topology   *topology
	topics     topics
	publishing *link
	consuming  *link
	publisher  *publisher
	inspecting chan struct{} // holds a token while the broker is being asked

	calls         *gate // whatever uses the bus just now
	subscriptions sync.WaitGroup
	links         sync.WaitGroup
	workers       sync.WaitGroup

	subscribed    context.Context // of all subscriptions
	endSubscribed context.CancelFunc
	connected     context.Context // of links and workers
	endConnected  context.CancelFunc
	closing       sync.Once
}

var _ ports.Bus = (*Bus)(nil)

// Open starts connecting, and waits until the first attempt has succeeded or
// failed or ctx has ended. Without a broker the Bus keeps trying until Close,
// 0.1 s to 5 s apart; Ping says why in the meantime. The error names faults of
// the configuration.
func Open(ctx context.Context, c Config) (*Bus, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configuring the RabbitMQ bus: %w", err)
	}
	b := &Bus{config: c, topology: newTopology(c), topics: newTopics(c), calls: &gate{}, inspecting: make(chan struct{}, 1)}
	b.subscribed, b.endSubscribed = context.WithCancel(context.Background())
	b.connected, b.endConnected = context.WithCancel(context.Background())
	b.publishing = b.newLink("publish")
	b.consuming = b.newLink("consume")
	b.publisher = newPublisher(b.publishing)
	b.links.Go(func() { b.publishing.run(b.connected) })
	b.links.Go(func() { b.consuming.run(b.connected) })
	for range c.PublishChannels {
		b.workers.Go(func() { b.publisher.work(b.connected) })
	}
	b.publishing.settle(ctx)
	b.consuming.settle(ctx)
	return b, nil
}

// newLink returns the link of that name, which does not run yet.
func (b *Bus) newLink(name string) *link {
	return newLink(name, b.config.Log, func(ctx context.Context) (*session, error) {
		return connect(ctx, b.config, "prosms "+name, b.topology)
	})
}

// Publish returns nil when the broker has confirmed every message and put it
// into a queue. It takes at most ConfirmTimeout, and fails at once while there is
// no connection or the broker blocks publishing; such errors wrap
// ports.ErrUnavailable. After any error some of messages may have been published:
// publish all of them again.
func (b *Bus) Publish(topic string, messages ...*message.Message) error {
	if err := b.calls.begin(); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	defer b.calls.end()
	batch := make([]outgoing, len(messages))
	for i, msg := range messages {
		route, err := b.topics.route(topic, msg.Metadata)
		if err != nil {
			return err
		}
		publishing, err := marshal(msg)
		if err != nil {
			return err
		}
		batch[i] = outgoing{route, publishing}
	}
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.config.ConfirmTimeout)
	defer cancel()
	err := b.provide(ctx, topic)
	if err == nil {
		err = b.publisher.publish(ctx, batch)
	}
	if err != nil {
		return fmt.Errorf("publishing %d messages to %s: %w", len(batch), topic, err)
	}
	return nil
}

// Subscribe consumes the queue of topic until ctx ends or the Bus is closed, and
// over every loss of the connection. It does not need one to begin. Messages
// come one at a time: the next after the ack of the last; frames of events that wait
// come as one, see Config.EventsEvery. A nacked one comes
// again after a wait, see Config.RedeliverAfter. When it ends, the context of the
// message in hand ends at once, its ack still counts for DrainTimeout, and the
// channel is closed.
func (b *Bus) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	queue, err := b.topics.queue(topic)
	if err != nil {
		return nil, err
	}
	if err := b.calls.begin(); err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	defer b.calls.end()
	s := &subscription{
		Config: b.config, link: b.consuming, queue: queue, declare: b.wants(topic),
		frames: strings.HasPrefix(topic, ports.TopicEvents+"."), out: make(chan *message.Message),
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.subscribed, cancel)
	b.subscriptions.Go(func() {
		defer cancel()
		defer stop()
		s.run(ctx)
	})
	return s.out, nil
}

// wants adds the queue of a topic that is not in ports to the topology. It
// reports whether it has yet to be declared.
func (b *Bus) wants(topic string) bool {
	return b.topics.onDemand(topic) && b.topology.add(queue{b.config.Prefix + topic, consumed(b.config.Prefix)})
}

// provide declares the queue that wants has added.
func (b *Bus) provide(ctx context.Context, topic string) error {
	if !b.wants(topic) {
		return nil
	}
	s, err := b.publishing.session(ctx)
	if err != nil {
		return err
	}
	return s.declare()
}

// Close ends all subscriptions, waits for the calls under way, and hangs up. It
// takes no longer than ConfirmTimeout or DrainTimeout and a few seconds, with a
// broker or without. It may be called again, and returns nil.
func (b *Bus) Close() error {
	b.closing.Do(func() {
		b.calls.close()
		b.endSubscribed()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			b.calls.wait()
			b.subscriptions.Wait()
		}()
		limit := time.NewTimer(max(b.config.ConfirmTimeout, b.config.DrainTimeout) + closeGrace)
		defer limit.Stop()
		select {
		case <-drained:
		case <-limit.C: // the broker does not answer
		}
		b.endConnected()
		b.links.Wait()
		b.workers.Go(b.publishing.close)
		b.workers.Go(b.consuming.close)
		<-drained
		b.workers.Wait()
	})
	return nil
}
