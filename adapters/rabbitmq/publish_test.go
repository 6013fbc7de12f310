package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

func TestUnroutableMessageIsAFailedPublish(t *testing.T) {
	c := atBroker(t, Config{})
	b := open(t, c)
	if _, err := broker(t, c).QueueDelete(c.Prefix+bulk, false, false, false); err != nil {
		t.Fatal(err)
	}
	err := b.Publish(bulk, numbered(0, 3)...)
	if err == nil || !strings.Contains(err.Error(), "3 of 3 messages came back") {
		t.Fatalf("Publish = %v, want all three returned", err)
	}
	// The failure has the queue declared again.
	eventually(t, func() error { return b.Publish(bulk, numbered(3, 1)...) })
	if m := receive(t, subscribe(t, b, bulk)); m.UUID != "3" {
		t.Errorf("received %s, want what was published last", m.UUID)
	}
}

func TestRefusedMessageIsAFailedPublish(t *testing.T) {
	c := atBroker(t, Config{})
	b := open(t, c)
	full, err := broker(t, c).QueueDeclare("", false, true, true, false,
		amqp.Table{amqp.QueueMaxLenArg: 2, amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish})
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]outgoing, 5)
	for i := range batch {
		batch[i].key = full.Name
	}
	err = b.publisher.publish(t.Context(), batch)
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("publish = %v, want a refusal", err)
	}
}

func TestPublishConfirmsMoreThanAWindow(t *testing.T) {
	b := open(t, atBroker(t, Config{}))
	publish(t, b, bulk, numbered(0, 2*window+500)...)
	eventually(t, func() error { // the broker's count runs behind its confirms
		if n, err := b.Depth(t.Context(), bulk); err != nil || n != 2*window+500 {
			return fmt.Errorf("depth %d, %v", n, err)
		}
		return nil
	})
}

func TestManyPublishAtOnce(t *testing.T) {
	b := open(t, atBroker(t, Config{}))
	var publishing sync.WaitGroup
	for i := range 20 {
		publishing.Go(func() {
			if err := b.Publish(bulk, numbered(i*10, 10)...); err != nil {
				t.Errorf("Publish: %v", err)
			}
		})
	}
	publishing.Wait()
	seen := map[string]bool{}
	messages := subscribe(t, b, bulk)
	for range 200 {
		m := receive(t, messages)
		seen[m.UUID] = true
		m.Ack()
	}
	if len(seen) != 200 {
		t.Errorf("received %d different messages, want 200", len(seen))
	}
}

func TestLargePayloadArrivesWhole(t *testing.T) {
	b := open(t, atBroker(t, Config{}))
	payload := bytes.Repeat([]byte("0123456789abcdef"), 5<<16) // 5 MiB, 40 frames
	publish(t, b, bulk, message.NewMessage("large", payload))
	if m := receive(t, subscribe(t, b, bulk)); !bytes.Equal(m.Payload, payload) {
		t.Errorf("received %d bytes that differ from the %d published", len(m.Payload), len(payload))
	}
}

func TestPublishWithoutABrokerFailsAtOnce(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	p.fail()
	b := open(t, c)
	started := time.Now()
	if err := b.Publish(bulk, numbered(0, 1)...); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Publish = %v, want ErrUnavailable", err)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("Publish took %s", took)
	}
	if err := b.Ping(t.Context()); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
	if _, err := b.Depth(t.Context(), bulk); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Depth = %v, want ErrUnavailable", err)
	}
	p.heal()
	eventually(t, func() error { return b.Publish(bulk, numbered(0, 1)...) })
	eventually(t, func() error { return b.Ping(t.Context()) })
}

func TestPublishEndsAtItsDeadline(t *testing.T) {
	for name, payload := range map[string][]byte{
		"waiting for the confirm": []byte("small"),
		"writing":                 make([]byte, 32<<20), // more than the sockets' buffers
	} {
		t.Run(name, func(t *testing.T) {
			c, p := through(t, atBroker(t, Config{ConfirmTimeout: 300 * time.Millisecond}))
			b := open(t, c)
			publish(t, b, bulk, numbered(0, 1)...)
			p.stall()
			started := time.Now()
			if err := b.Publish(bulk, message.NewMessage("stuck", payload)); !errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("Publish = %v, want ErrUnavailable", err)
			}
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("Publish took %s", took)
			}
			p.resume()
			eventually(t, func() error { return b.Publish(bulk, numbered(1, 1)...) })
		})
	}
}

func TestPublishFailsWhileTheBrokerBlocks(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	b := open(t, c)
	publish(t, b, bulk, numbered(0, 1)...)
	p.tell(t, connectionBlocked)
	eventually(t, func() error {
		if err := b.Ping(t.Context()); !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "low") {
			return fmt.Errorf("Ping = %w, want the broker's reason", err)
		}
		if b.publishing.status() == nil { // the other connection heard of it first
			return errors.New("the connection that publishes is not blocked")
		}
		return nil
	})
	if err := b.Publish(bulk, numbered(1, 1)...); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Publish = %v, want ErrUnavailable", err)
	}
	receive(t, subscribe(t, b, bulk)).Ack() // consuming goes on
	p.tell(t, connectionUnblocked)
	eventually(t, func() error { return b.Ping(t.Context()) })
	publish(t, b, bulk, numbered(1, 1)...)
}

func TestDepthEndsWithItsContext(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	b := open(t, c)
	p.stall()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for range 3 { // the first asks, the others wait for it to have asked
		if _, err := b.Depth(ctx, bulk); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("Depth = %v, want ErrUnavailable", err)
		}
	}
	p.resume()
	eventually(t, func() error { _, err := b.Depth(t.Context(), bulk); return err })
}
