package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// Config says where the broker is and what is declared there. Queue arguments
// cannot be changed once declared: a changed delay or consumer is a new queue,
// beside which the old one drains.
type Config struct {
	// URL is amqp://user:password@host:port/vhost, percent-encoded; amqps: TLS. The nodes of
	// a cluster stand in it with commas, a:5672,b:5672, and are tried in turn.
	URL string
	// Login returns the user and the password for a new connection, in place of those in
	// URL: a secret may change while connections that it has opened live on. nil: it does
	// not change.
	Login func(context.Context) *url.Userinfo
	// Installation names whom the connections belong to, for Installations; empty: nobody.
	Installation   string
	Prefix         string          // before every name at the broker; empty in production
	RetryDelays    []time.Duration // a queue for each; whole seconds
	EventConsumers []string        // a queue of events for each: "projections"

	// ConfirmTimeout bounds a Publish: waiting for a free channel, writing, and
	// the confirms of all its messages. 0: 10 s
	ConfirmTimeout time.Duration
	// PublishChannels is how many Publish calls run at the same time. 0: 8
	PublishChannels int

	// Prefetch is how many messages the broker sends to each subscription, which
	// still emits them one by one. With more than 1, the others wait behind the one
	// in hand though another subscription be idle; with 1, the next is an ack away
	// (measured on 2 cores: 1,000 messages a second; 4: 3,000; 16: 6,000). 0: 1
	Prefetch int
	// EventsEvery is how often frames of events come to a consumer at most: those that
	// arrived meanwhile come as one. A view is so much behind the log when much happens,
	// and a text that was accepted, claimed and sent within it is written once. 0: 100 ms
	EventsEvery time.Duration

	// RedeliverAfter is the wait before a nacked message is emitted again; it
	// doubles with each nack up to RedeliverMax. 0: 100 ms and 5 s
	RedeliverAfter time.Duration
	RedeliverMax   time.Duration
	// HoldLimit is how long a message that keeps being nacked is held before it
	// goes back to the broker, which dead-letters it the twentieth time. It stays
	// well below the broker's consumer_timeout of 30 min. 0: 5 min
	HoldLimit time.Duration
	// DrainTimeout is how long a subscription that ends waits for the ack of the
	// message its handler holds. 0: 5 s
	DrainTimeout time.Duration

	// QuietLimit is how long a subscription that gets nothing stays on one channel. A
	// queue that was deleted, and is there again before RabbitMQ 3.10 has canceled its
	// consumers, keeps them, and what it sends them vanishes until their channel is
	// closed; the broker shows no sign of it. 0: 15 s
	QuietLimit time.Duration

	// TopicQueues gives every topic that is not in ports a queue of its own,
	// declared when first used. It is for tests; otherwise such topics are refused.
	TopicQueues bool

	// LookOnly leaves the broker as it is: nothing is declared on connecting. Whoever
	// publishes or subscribes declares, so it is for Missing, Server and CanPublish.
	LookOnly bool

	Log *slog.Logger // nil: silence
}

func (c Config) withDefaults() Config {
	setDefault(&c.ConfirmTimeout, 10*time.Second)
	setDefault(&c.PublishChannels, 8)
	setDefault(&c.Prefetch, 1)
	setDefault(&c.EventsEvery, 100*time.Millisecond)
	setDefault(&c.RedeliverAfter, 100*time.Millisecond)
	setDefault(&c.RedeliverMax, 5*time.Second)
	setDefault(&c.HoldLimit, 5*time.Minute)
	setDefault(&c.DrainTimeout, 5*time.Second)
	setDefault(&c.QuietLimit, 15*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate names all faults together, and none of the URL, which has a password.
func (c Config) validate() error {
	var faults []error
	if malformed(c.URL) {
		faults = append(faults, errors.New("URL: not of the form amqp://user:password@host:port,host:port/vhost, percent-encoded"))
	}
	for _, d := range c.RetryDelays {
		if d < time.Second || d%time.Second != 0 {
			faults = append(faults, fmt.Errorf("retry delay %s: not in whole seconds", d))
		}
	}
	for _, name := range c.EventConsumers {
		if name == "" {
			faults = append(faults, errors.New("event consumer without a name"))
		}
	}
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"ConfirmTimeout", int64(c.ConfirmTimeout)},
		{"PublishChannels", int64(c.PublishChannels)},
		{"Prefetch", int64(c.Prefetch)},
		{"EventsEvery", int64(c.EventsEvery)},
		{"RedeliverAfter", int64(c.RedeliverAfter)},
		{"RedeliverMax", int64(c.RedeliverMax)},
		{"HoldLimit", int64(c.HoldLimit)},
		{"DrainTimeout", int64(c.DrainTimeout)},
	} {
		if field.value < 0 {
			faults = append(faults, fmt.Errorf("%s: negative", field.name))
		}
	}
	if c.Prefetch > 65535 { // a short in basic.qos
		faults = append(faults, fmt.Errorf("prefetch of %d: more than 65,535", c.Prefetch))
	}
	return errors.Join(faults...)
}
