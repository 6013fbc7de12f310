package rabbitmq

import (
	"context"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// Depth returns how many messages are ready in the queue of topic; of
// ports.TopicEvents, which has a queue for each consumer, in the longest one.
func (b *Bus) Depth(ctx context.Context, topic string) (int, error) {
	names, err := b.topics.queues(topic)
	if err != nil {
		return 0, err
	}
	depths, err := b.inspect(ctx, names)
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", topic, err)
	}
	longest := 0
	for _, n := range depths {
		longest = max(longest, n)
	}
	return longest, nil
}

// Depths returns how many messages are ready in every queue, by its name without
// the prefix.
func (b *Bus) Depths(ctx context.Context) (map[string]int, error) {
	depths, err := b.inspect(ctx, b.topology.queueNames())
	if err != nil {
		return nil, fmt.Errorf("measuring queues: %w", err)
	}
	named := make(map[string]int, len(depths))
	for name, n := range depths {
		named[strings.TrimPrefix(name, b.config.Prefix)] = n
	}
	return named, nil
}

// Ping returns nil if publishing and consuming are possible: both connections
// are up, not blocked, and the broker answers before ctx ends.
func (b *Bus) Ping(ctx context.Context) error {
	for _, l := range []*link{b.publishing, b.consuming} {
		if err := l.status(); err != nil {
			return err
		}
	}
	_, err := b.inspect(ctx, []string{b.config.Prefix + ports.TopicDeadLetter})
	return err
}

// inspect asks the broker for the lengths of queues. The library cannot be
// interrupted, so the asking may outlast ctx; it is one at a time.
func (b *Bus) inspect(ctx context.Context, names []string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.ConfirmTimeout)
	defer cancel()
	if err := b.calls.begin(); err != nil {
		return nil, err
	}
	defer b.calls.end()
	if err := b.consuming.status(); err != nil {
		return nil, err
	}
	session, err := b.consuming.session(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case b.inspecting <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, ctx.Err())
	}
	type answer struct {
		depths map[string]int
		err    error
	}
	answers := make(chan answer, 1)
	b.workers.Go(func() {
		defer func() { <-b.inspecting }()
		depths, err := inspect(session.conn, names)
		answers <- answer{depths, err}
	})
	select {
	case a := <-answers:
		return a.depths, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, ctx.Err())
	}
}

func inspect(conn *amqp.Connection, names []string) (map[string]int, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
	}
	defer func() { _ = ch.Close() }() // closed already after an error
	depths := make(map[string]int, len(names))
	for _, name := range names {
		q, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
		}
		depths[name] = q.Messages
	}
	return depths, nil
}
