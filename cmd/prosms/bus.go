package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/pro-sms/prosms/adapters/inproc"
	"github.com/pro-sms/prosms/adapters/rabbitmq"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// The consumers of the event frames: one feeds the views, one queues webhooks.
const (
	consumerProjections = "projections"
	consumerWebhooks    = "webhooks"
)

var eventConsumers = []string{consumerProjections, consumerWebhooks}

// bus is a bus with what depends on its kind.
type bus struct {
	ports.Bus
	relays      [][]string                                    // the topics that each relay serves
	deadLetters bool                                          // what cannot be delivered comes to TopicDeadLetter
	retryTiers  []time.Duration                               // delays that the bus can hold; none: all are the scheduler's
	depths      func(context.Context) (map[string]int, error) // of every queue
	ping        func(context.Context) error                   // nil: in this process
}

// relayGroups names the relays, as the log knows them.
func (b bus) relayGroups() []string {
	if len(b.relays) == 1 {
		return []string{"relay"}
	}
	groups := make([]string, len(b.relays))
	for i, topics := range b.relays {
		groups[i] = "relay." + strings.TrimPrefix(topics[0], "sms.")
	}
	return groups
}

// broker says what of the broker is ours.
func (c *Config) broker() rabbitmq.Config {
	return rabbitmq.Config{URL: c.RabbitMQURL, Prefix: c.BusPrefix, RetryDelays: c.RetryDelays, EventConsumers: eventConsumers}
}

// openBus connects to the broker, or makes a bus within this process. There a
// publisher waits for its consumer, so every topic gets a relay of its own: slow
// bulk must not hold up the views. Who looks at the broker sees which installation
// has connected.
func openBus(ctx context.Context, c Config, installation string, login loginFunc, log *slog.Logger) (bus, error) {
	topics := []string{ports.TopicEvents}
	for _, lane := range domain.Lanes {
		topics = append(topics, ports.DispatchTopic(lane))
	}
	if c.RabbitMQURL == "" {
		queues := inproc.New(inproc.Config{EventConsumers: eventConsumers})
		b := bus{Bus: queues, depths: queues.Depths}
		for _, topic := range topics {
			b.relays = append(b.relays, []string{topic})
		}
		return b, nil
	}
	config := c.broker()
	config.Installation, config.Login, config.Log = installation, login, log
	broker, err := rabbitmq.Open(ctx, config)
	if err != nil {
		return bus{}, err
	}
	for _, delay := range c.RetryDelays {
		topics = append(topics, ports.RetryTopic(delay))
	}
	return bus{
		Bus: broker, relays: [][]string{topics}, retryTiers: c.RetryDelays, deadLetters: true,
		depths: broker.Depths, ping: broker.Ping,
	}, nil
}
