// Package inproc is the bus of one process without a broker. It keeps nothing:
// Publish lasts until a subscriber has acked, so that whoever publishes still has
// what a crash would lose.
package inproc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Config says who consumes events and how long to wait.
type Config struct {
	// EventConsumers each get every message of ports.TopicEvents, on the topic
	// ports.TopicEvents + "." + name. Publish waits for all of them.
	EventConsumers []string

	// MaxWaiting is how many messages a topic holds; Publish waits for room for
	// the rest. 0: 1,000
	MaxWaiting int
	// RedeliverAfter is the wait before a nacked message is emitted again; it
	// doubles with each nack up to RedeliverMax. 0: 10 ms and 1 s
	RedeliverAfter time.Duration
	RedeliverMax   time.Duration
	// DrainTimeout is how long a subscription that ends waits for the ack of the
	// message its handler holds. 0: 5 s
	DrainTimeout time.Duration
}

// errClosed says that nothing will be carried any more.
var errClosed = fmt.Errorf("bus is closed: %w", ports.ErrUnavailable)

// Bus is a ports.Bus. There are no retry topics: the scheduler, in the same
// process, releases what is due. The dead letter topic is empty for ever, since a
// nacked message is never given up.
type Bus struct {
	config Config
	queues map[string]*queue // by the topic they are subscribed to; fixed

	closing       context.Context
	close         context.CancelFunc
	mu            sync.Mutex // guards the Add of subscriptions against Close
	subscriptions sync.WaitGroup
}

var _ ports.Bus = (*Bus)(nil)

// New returns a Bus without messages.
func New(c Config) *Bus {
	setDefault(&c.MaxWaiting, 1000)
	setDefault(&c.RedeliverAfter, 10*time.Millisecond)
	setDefault(&c.RedeliverMax, time.Second)
	setDefault(&c.DrainTimeout, 5*time.Second)
	b := &Bus{config: c, queues: map[string]*queue{}}
	topics := []string{ports.TopicDeadLetter}
	for _, lane := range domain.Lanes {
		topics = append(topics, ports.DispatchTopic(lane))
	}
	for _, consumer := range c.EventConsumers {
		topics = append(topics, ports.TopicEvents+"."+consumer)
	}
	for _, topic := range topics {
		b.queues[topic] = newQueue(c.MaxWaiting)
	}
	b.closing, b.close = context.WithCancel(context.Background())
	return b
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Publish returns nil when a subscriber has acked every message; of
// ports.TopicEvents, a subscriber of every consumer. It waits for that as long
// as it takes, also for there to be a subscriber, and until the context of one of
// messages ends or the Bus is closed. After an error some of messages may have
// been delivered: publish all of them again.
func (b *Bus) Publish(topic string, messages ...*message.Message) error {
	queues, err := b.published(topic)
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	if b.closing.Err() != nil {
		return fmt.Errorf("publishing to %s: %w", topic, errClosed)
	}
	ctx, cancel := context.WithCancelCause(b.closing)
	defer cancel(nil)
	for _, msg := range messages {
		defer context.AfterFunc(msg.Context(), func() { cancel(msg.Context().Err()) })()
	}
	var carrying sync.WaitGroup
	faults := make([]error, len(queues))
	for i, q := range queues {
		carrying.Go(func() { faults[i] = q.carry(ctx, messages) })
	}
	carrying.Wait()
	if err := errors.Join(faults...); err != nil {
		if b.closing.Err() != nil {
			err = errClosed
		}
		return fmt.Errorf("publishing %d messages to %s: %w", len(messages), topic, err)
	}
	return nil
}

// published returns the queues that a message of topic goes to.
func (b *Bus) published(topic string) ([]*queue, error) {
	if topic == ports.TopicEvents && len(b.config.EventConsumers) > 0 {
		return b.eventQueues(), nil
	}
	if q, ok := b.queues[topic]; ok && strings.HasPrefix(topic, ports.TopicDispatch) {
		return []*queue{q}, nil
	}
	return nil, errors.New("no such topic in process")
}

func (b *Bus) eventQueues() []*queue {
	var queues []*queue
	for topic, q := range b.queues {
		if strings.HasPrefix(topic, ports.TopicEvents+".") {
			queues = append(queues, q)
		}
	}
	return queues
}

// Depth returns how many messages of topic wait for their ack in Publish calls;
// of ports.TopicEvents, those of the consumer that has most.
func (b *Bus) Depth(_ context.Context, topic string) (int, error) {
	queues, err := b.published(topic)
	if q, ok := b.queues[topic]; ok {
		queues, err = []*queue{q}, nil
	}
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", topic, err)
	}
	depths := make([]int, len(queues))
	for i, q := range queues {
		depths[i] = q.depth()
	}
	return slices.Max(depths), nil
}

// Depths returns the depth of every topic that can be subscribed to.
func (b *Bus) Depths(context.Context) (map[string]int, error) {
	depths := make(map[string]int, len(b.queues))
	for topic, q := range b.queues {
		depths[topic] = q.depth()
	}
	return depths, nil
}

// Close ends all subscriptions and makes Publish calls fail. It waits for the
// subscriptions, so for DrainTimeout at most. It may be called again.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.close()
	b.mu.Unlock()
	b.subscriptions.Wait()
	return nil
}
