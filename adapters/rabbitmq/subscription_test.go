package rabbitmq

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

func TestNackedMessageDoesNotUseUpDeliveries(t *testing.T) {
	b := open(t, atBroker(t, Config{}))
	publish(t, b, bulk, numbered(0, 1)...)
	messages := subscribe(t, b, bulk)
	for range 2 * deliveryLimit {
		receive(t, messages).Nack()
	}
	m := receive(t, messages)
	if count := m.Metadata.Get(HeaderDeliveryCount); count != "0" {
		t.Errorf("delivery count %s after nacks, want 0", count)
	}
	m.Ack()
}

func TestMessageNackedForTooLongBecomesADeadLetter(t *testing.T) {
	b := open(t, atBroker(t, Config{HoldLimit: 5 * time.Millisecond}))
	m := numbered(0, 1)[0]
	m.Metadata.Set("traceparent", "00-trace")
	publish(t, b, bulk, m)
	messages, dead := subscribe(t, b, bulk), subscribe(t, b, ports.TopicDeadLetter)
	for counts := map[string]bool{}; ; {
		select {
		case m := <-messages:
			counts[m.Metadata.Get(HeaderDeliveryCount)] = true
			m.Nack()
			continue
		case m := <-dead:
			if len(counts) != deliveryLimit+1 { // 0 to 20
				t.Errorf("dead-lettered after the delivery counts %v, want all up to %d", counts, deliveryLimit)
			}
			if m.UUID != "0" || string(m.Payload) != "0" || m.Metadata.Get("traceparent") != "00-trace" {
				t.Errorf("dead letter %s %q %v is not the message", m.UUID, m.Payload, m.Metadata)
			}
			if got := m.Metadata.Get(HeaderDeathReason) + " " + m.Metadata.Get(HeaderRoutingKey); got != "delivery_limit bulk" {
				t.Errorf("death reason and lane %q", got)
			}
			m.Ack()
		case <-time.After(within):
			t.Fatalf("no dead letter within %s, counts %v", within, counts)
		}
		return
	}
}

func TestHeldMessageGoesBackBeforeThoseBehindIt(t *testing.T) {
	b := open(t, atBroker(t, Config{Prefetch: 10, HoldLimit: 5 * time.Millisecond}))
	publish(t, b, bulk, numbered(0, 5)...)
	messages := subscribe(t, b, bulk)
	for m := receive(t, messages); ; m = receive(t, messages) {
		if m.UUID != "0" {
			t.Fatalf("%s overtook 0", m.UUID)
		}
		if m.Metadata.Get(HeaderDeliveryCount) == "2" {
			m.Ack()
			break
		}
		m.Nack()
	}
	for i := 1; i < 5; i++ {
		m := receive(t, messages)
		if m.UUID != numbered(i, 1)[0].UUID {
			t.Errorf("received %s, want %d", m.UUID, i)
		}
		m.Ack()
	}
}

func TestSubscriptionOutlivesItsQueue(t *testing.T) {
	c := atBroker(t, Config{})
	b := open(t, c)
	messages := subscribe(t, b, bulk)
	publish(t, b, bulk, numbered(0, 1)...)
	receive(t, messages).Ack()
	if _, err := broker(t, c).QueueDelete(c.Prefix+bulk, false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Publish(bulk, numbered(1, 1)...) })
	if m := receive(t, messages); m.UUID != "1" {
		t.Errorf("received %s, want 1", m.UUID)
	}
}

// RabbitMQ 3.10 does not cancel the consumers of a queue that is there again at once,
// as where one gateway declares what another's operator deletes.
func TestASubscriptionNoticesThatItsQueueIsAnother(t *testing.T) {
	c := atBroker(t, Config{QuietLimit: 200 * time.Millisecond})
	b := open(t, c)
	messages := subscribe(t, b, bulk)
	publish(t, b, bulk, numbered(0, 1)...)
	receive(t, messages).Ack()
	someone := broker(t, c)
	if _, err := someone.QueueDelete(c.Prefix+bulk, false, false, false); err != nil {
		t.Fatal(err)
	}
	if err := newTopology(c).declare(someone); err != nil { // which closes the channel
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Publish(bulk, numbered(1, 1)...) })
	if m := receive(t, messages); m.UUID != "1" {
		t.Errorf("received %s, want 1", m.UUID)
	}
}

func TestSubscriptionsDoNotSeeTheEndOfAChannelAsAMessage(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	b := open(t, c)
	messages := subscribe(t, b, bulk)
	publish(t, b, bulk, numbered(0, 1)...)
	receive(t, messages).Ack()
	for i := range 3 {
		p.cut()
		want := numbered(i+1, 1)[0]
		eventually(t, func() error { return b.Publish(bulk, want) })
		for m := receive(t, messages); ; m = receive(t, messages) {
			// Those before may come again: their acks may have been cut off.
			if n, err := strconv.Atoi(m.UUID); err != nil || n > i+1 || string(m.Payload) != m.UUID {
				t.Fatalf("received %q %q, which nobody published", m.UUID, m.Payload)
			}
			m.Ack()
			if m.UUID == want.UUID {
				break
			}
		}
	}
}

func TestDepthsNameEveryQueue(t *testing.T) {
	b := open(t, atBroker(t, Config{RetryDelays: []time.Duration{90 * time.Second}}))
	publish(t, b, bulk, numbered(0, 3)...)
	want := map[string]int{
		"sms.dlq": 0, "sms.dlq.unreadable": 0, "sms.dispatch.high": 0, "sms.dispatch.normal": 0, "sms.dispatch.bulk": 3,
		"sms.retry.90s": 0, "sms.events.projections": 0, "sms.events.webhooks": 0,
	}
	eventually(t, func() error {
		if got, err := b.Depths(t.Context()); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("Depths = %v, %w; want %v", got, err, want)
		}
		return nil
	})
}
