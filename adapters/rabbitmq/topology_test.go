package rabbitmq

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestRetriedMessageReturnsToItsLane(t *testing.T) {
	b := open(t, atBroker(t, Config{RetryDelays: []time.Duration{time.Second, time.Minute}}))
	for i, lane := range domain.Lanes {
		m := numbered(i, 1)[0]
		m.Metadata.Set(ports.HeaderLane, string(lane))
		m.Metadata.Set("traceparent", "00-trace")
		publish(t, b, ports.RetryTopic(time.Second), m)
	}
	for i, lane := range domain.Lanes {
		m := receive(t, subscribe(t, b, ports.DispatchTopic(lane)))
		want := numbered(i, 1)[0]
		if m.UUID != want.UUID || string(m.Payload) != string(want.Payload) || m.Metadata.Get("traceparent") != "00-trace" {
			t.Errorf("lane %s has %s %q %v, want message %s", lane, m.UUID, m.Payload, m.Metadata, want.UUID)
		}
		if reason := m.Metadata.Get(HeaderDeathReason); reason != "expired" {
			t.Errorf("death reason %q, want expired", reason)
		}
		m.Ack()
	}
}

// What waits in a tier when the list of delays is changed still comes back in time.
func TestATierThatIsNoLongerConfiguredDrains(t *testing.T) {
	c := atBroker(t, Config{RetryDelays: []time.Duration{2 * time.Second}})
	before := open(t, c)
	m := numbered(0, 1)[0]
	m.Metadata.Set(ports.HeaderLane, string(domain.Bulk))
	publish(t, before, ports.RetryTopic(2*time.Second), m)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	c.RetryDelays = []time.Duration{time.Minute}
	servers.DeleteTopology(t, c.URL, c.Prefix+ports.RetryTopic(time.Minute))
	after := open(t, c)
	got := receive(t, subscribe(t, after, ports.DispatchTopic(domain.Bulk)))
	if want := numbered(0, 1)[0]; got.UUID != want.UUID || got.Metadata.Get(HeaderDeathReason) != "expired" {
		t.Errorf("got %s, %v; want %s", got.UUID, got.Metadata, want.UUID)
	}
	got.Ack()
}

func TestRetryNeedsALaneAndAKnownDelay(t *testing.T) {
	b := open(t, atBroker(t, Config{RetryDelays: []time.Duration{time.Second}}))
	for name, tt := range map[string]struct {
		lane  string
		delay time.Duration
	}{
		"no lane": {"", time.Second}, "unknown lane": {"express", time.Second}, "unknown delay": {"bulk", time.Hour},
	} {
		m := numbered(0, 1)[0]
		m.Metadata.Set(ports.HeaderLane, tt.lane)
		if err := b.Publish(ports.RetryTopic(tt.delay), m); err == nil {
			t.Errorf("%s: Publish succeeds, and the message would be stuck", name)
		}
	}
}

// The broker compares the arguments of a declaration with those of the queue, and
// so tells which a queue really has.
func TestQueuesHaveTheArgumentsThatKeepMessages(t *testing.T) {
	c := atBroker(t, Config{RetryDelays: []time.Duration{time.Second}})
	open(t, c)
	for _, q := range newTopology(c).queues {
		for _, argument := range []string{
			"x-queue-type", "x-dead-letter-exchange", "x-dead-letter-strategy", "x-overflow", "x-delivery-limit",
			"x-message-ttl", "x-single-active-consumer",
		} {
			if _, ok := q.args[argument]; !ok {
				continue
			}
			without := maps.Clone(q.args)
			delete(without, argument)
			_, err := broker(t, c).QueueDeclare(q.name, true, false, false, false, without)
			if err == nil || !strings.Contains(err.Error(), argument) {
				t.Errorf("%s is declared without %s: %v; want the broker to refuse", q.name, argument, err)
			}
		}
	}
}

func TestDeadLetteringIsAtLeastOnce(t *testing.T) {
	topology := newTopology(Config{Prefix: "p.", RetryDelays: []time.Duration{time.Second}, EventConsumers: []string{"projections"}})
	for _, q := range topology.queues {
		if q.name == "p."+ports.TopicDeadLetter || q.name == "p."+ports.TopicUnreadable {
			continue // the end of the way
		}
		// RabbitMQ's documentation on quorum queues names all four as needed.
		for argument, want := range map[string]any{
			"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
		} {
			if q.args[argument] != want {
				t.Errorf("%s: %s = %v, want %v", q.name, argument, q.args[argument], want)
			}
		}
		if to, _ := q.args["x-dead-letter-exchange"].(string); !strings.HasPrefix(to, "p.sms.") {
			t.Errorf("%s dead-letters to %q", q.name, to)
		}
		if _, ok := q.args["x-expires"]; ok {
			t.Errorf("%s expires, with its messages", q.name)
		}
		if _, ok := q.args["x-dead-letter-routing-key"]; ok {
			t.Errorf("%s rewrites routing keys, which are lanes", q.name)
		}
	}
}

func TestChangedArgumentsAreReportedByName(t *testing.T) {
	c := atBroker(t, Config{})
	other := broker(t, c)
	if _, err := other.QueueDeclare(c.Prefix+bulk, true, false, false, false, quorum(amqp.Table{amqp.QueueMaxLenArg: 7})); err != nil {
		t.Fatal(err)
	}
	b := open(t, c)
	err := b.Ping(t.Context())
	if !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "queue "+c.Prefix+bulk+": it exists with other arguments") {
		t.Errorf("Ping = %v, want the queue named", err)
	}
	if _, err := other.QueueDelete(c.Prefix+bulk, false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Ping(t.Context()) })
}

func TestOneConsumerReadsEventsAndTheNextTakesOver(t *testing.T) {
	b, other := openTwo(t)
	topic := ports.TopicEvents + ".projections"
	active := subscribe(t, b, topic)
	publish(t, b, ports.TopicEvents, numbered(0, 1)...)
	receive(t, active).Ack()
	standby := subscribe(t, other, topic)
	publish(t, b, ports.TopicEvents, numbered(1, 2)...)
	m := receive(t, active)
	select {
	case m := <-standby:
		t.Errorf("the standby got %s while the other is active", m.UUID)
	case <-time.After(100 * time.Millisecond):
	}
	m.Ack()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, standby); m.UUID != "2" {
		t.Errorf("the standby got %s, want 2", m.UUID)
	}
}

// openTwo returns two instances of one installation.
func openTwo(t *testing.T) (*Bus, *Bus) {
	t.Helper()
	c := atBroker(t, Config{})
	return open(t, c), open(t, c)
}

func TestConfigurationFaultsAreNamedTogether(t *testing.T) {
	_, err := Open(t.Context(), Config{
		URL:            "http://user:hunter2@broker", //nolint:gosec // not a secret
		RetryDelays:    []time.Duration{1500 * time.Millisecond},
		EventConsumers: []string{""},
		Prefetch:       -1,
	})
	if err == nil {
		t.Fatal("Open succeeds")
	}
	for _, want := range []string{"URL", "1.5s", "without a name", "Prefetch"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q has the password", err)
	}
}
