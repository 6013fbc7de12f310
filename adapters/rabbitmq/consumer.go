package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// consumerTag names our consumers, each of which has a channel to itself.
const consumerTag = "prosms"

// errCanceled says that the broker ended a consumer: its queue is gone.
var errCanceled = errors.New("canceled by the broker")

// consumer is a channel that one queue is consumed on.
type consumer struct {
	channel  *amqp.Channel
	closed   chan *amqp.Error
	arrivals chan arrival    // as large as the prefetch: the broker sends no more before an ack
	live     context.Context // ends with the channel; its cause says why
	end      context.CancelCauseFunc
}

// arrival is a delivery and when it came: from then on the broker counts the
// time to its ack.
type arrival struct {
	amqp.Delivery
	at time.Time
}

func openConsumer(ctx context.Context, s *session, queue string, prefetch int) (*consumer, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("opening channel: %w", err)
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Qos(prefetch, 0, false); err != nil { // quorum queues refuse a global one
		_ = ch.Close()
		return nil, fmt.Errorf("setting prefetch: %w", err)
	}
	deliveries, err := ch.Consume(queue, consumerTag, false, false, false, false, nil)
	if err != nil {
		_ = ch.Close()
		return nil, fmt.Errorf("consuming: %w", err)
	}
	c := &consumer{channel: ch, closed: closed, arrivals: make(chan arrival, prefetch)}
	c.live, c.end = context.WithCancelCause(ctx)
	go c.receive(deliveries)
	return c, nil
}

// receive stamps deliveries until there are no more.
func (c *consumer) receive(deliveries <-chan amqp.Delivery) {
	defer close(c.arrivals)
	for d := range deliveries {
		c.arrivals <- arrival{d, time.Now()}
	}
	select {
	case err := <-c.closed:
		c.end(ended(err))
	default:
		c.end(errCanceled)
	}
}

// close gives back what was not acked, and waits until nothing more arrives.
func (c *consumer) close() {
	_ = c.channel.Close() // after the acks, which it follows on the wire
	for range c.arrivals {
		continue
	}
}
