package rabbitmq

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// deliveryLimit is how often the broker hands a message out before it is poison.
const deliveryLimit = 20

// mostUnreadable bounds the queue of what nobody can read; beyond it the oldest goes.
const mostUnreadable = 10_000

// Names at the broker that are no topics.
const (
	exchangeDispatch   = "sms.dispatch"
	exchangeDeadLetter = "sms.dlx"
)

type (
	exchange struct{ name, kind string }
	queue    struct {
		name string
		args amqp.Table
	}
	binding struct{ exchange, key, queue string }
)

// topology is everything that we want at the broker. The order of declaration
// is exchanges, queues, bindings, so that a name is there before it is used.
type topology struct {
	exchanges []exchange
	queues    []queue
	bindings  []binding

	// Held while declaring: two connections that create the same quorum queue
	// would get in each other's way.
	mu sync.Mutex
}

// newTopology lays out the names, each behind the prefix.
func newTopology(c Config) *topology {
	t := &topology{}
	add := func(from exchange, key string, to queue) {
		from.name, to.name = c.Prefix+from.name, c.Prefix+to.name
		if !slices.Contains(t.exchanges, from) {
			t.exchanges = append(t.exchanges, from)
		}
		t.queues = append(t.queues, to)
		t.bindings = append(t.bindings, binding{from.name, key, to.name})
	}

	add(exchange{exchangeDeadLetter, amqp.ExchangeFanout}, "", queue{ports.TopicDeadLetter, quorum(nil)})
	t.queues = append(t.queues, queue{c.Prefix + ports.TopicUnreadable, quorum(amqp.Table{amqp.QueueMaxLenArg: mostUnreadable})})
	for _, lane := range domain.Lanes {
		add(exchange{exchangeDispatch, amqp.ExchangeDirect}, string(lane),
			queue{ports.DispatchTopic(lane), consumed(c.Prefix)})
	}
	for _, delay := range distinct(c.RetryDelays) {
		name := ports.RetryTopic(delay)
		add(exchange{name, amqp.ExchangeFanout}, "", queue{name, held(c.Prefix, delay)})
	}
	t.exchanges = append(t.exchanges, exchange{c.Prefix + ports.TopicEvents, amqp.ExchangeTopic})
	for _, consumer := range distinct(c.EventConsumers) {
		args := consumed(c.Prefix)
		args["x-single-active-consumer"] = true // events are in order: one reads, the others stand by
		add(exchange{ports.TopicEvents, amqp.ExchangeTopic}, routingKeyEvents,
			queue{ports.TopicEvents + "." + consumer, args})
	}
	return t
}

// quorum returns the arguments of a replicated queue that is never lost.
func quorum(args amqp.Table) amqp.Table {
	all := amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum}
	for k, v := range args {
		all[k] = v
	}
	return all
}

// consumed returns the arguments of a queue whose poison goes to the dead letters.
func consumed(prefix string) amqp.Table {
	args := deadLettering(prefix + exchangeDeadLetter)
	args["x-delivery-limit"] = deliveryLimit
	return quorum(args)
}

// held returns the arguments of a queue that keeps its messages for delay. They
// leave with the routing key they came with, which is their lane. It must never
// have x-expires: without consumers it would count as unused.
func held(prefix string, delay time.Duration) amqp.Table {
	args := deadLettering(prefix + exchangeDispatch)
	args[amqp.QueueMessageTTLArg] = delay.Milliseconds()
	return quorum(args)
}

// deadLettering returns the arguments for dead-lettering at least once: without
// all three of them the broker falls back to at most once, and says so only in
// its log.
func deadLettering(to string) amqp.Table {
	return amqp.Table{
		"x-dead-letter-exchange": to,
		"x-dead-letter-strategy": "at-least-once",
		amqp.QueueOverflowArg:    amqp.QueueOverflowRejectPublish,
	}
}

// declare makes the broker have the topology; what it has already is left alone.
// An error names what it was about. It ends with ch closed, one way or another.
func (t *topology) declare(ch *amqp.Channel) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.exchanges {
		if err := ch.ExchangeDeclare(e.name, e.kind, true, false, false, false, nil); err != nil {
			return declaring("exchange", e.name, err)
		}
	}
	for _, q := range t.queues {
		if _, err := ch.QueueDeclare(q.name, true, false, false, false, q.args); err != nil {
			return declaring("queue", q.name, err)
		}
	}
	for _, b := range t.bindings {
		if err := ch.QueueBind(b.queue, b.key, b.exchange, false, nil); err != nil {
			return declaring("binding of queue", b.queue, err)
		}
	}
	return ch.Close()
}

// add adds a queue, and reports whether it was not there.
func (t *topology) add(q queue) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(t.queues, func(have queue) bool { return have.name == q.name }) {
		return false
	}
	t.queues = append(t.queues, q)
	return true
}

// queueNames returns the names of all queues.
func (t *topology) queueNames() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := make([]string, len(t.queues))
	for i, q := range t.queues {
		names[i] = q.name
	}
	return names
}

// declaring explains the one error that waiting does not cure.
func declaring(kind, name string, err error) error {
	if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.PreconditionFailed {
		return fmt.Errorf("declaring %s %s: it exists with other arguments; drain and delete it: %w", kind, name, err)
	}
	return fmt.Errorf("declaring %s %s: %w", kind, name, err)
}

// distinct returns values without repetitions.
func distinct[T comparable](values []T) []T {
	var once []T
	for _, v := range values {
		if !slices.Contains(once, v) {
			once = append(once, v)
		}
	}
	return once
}
