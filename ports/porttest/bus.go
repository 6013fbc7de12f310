package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// BusEventConsumers are the consumers of events that a bus under test has.
var BusEventConsumers = []string{"projections", "webhooks"}

// carriedWithin is how long a message may take before we call it lost.
const carriedWithin = 10 * time.Second

// Bus holds a bus to the promises of ports.Bus. open returns one that is empty and
// private to each law, with BusEventConsumers, and closes it when the test ends.
// It waits no longer than 100 ms for an ack when it is closed, and 10 ms after a nack.
func Bus(t *testing.T, open func(*testing.T) ports.Bus) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, bus)
	}{
		{"a message arrives as it was published", messageArrives},
		{"messages of one Publish arrive in order", messagesArriveInOrder},
		{"a message waits for its subscriber", messageWaitsForSubscriber},
		{"lanes do not mix", lanesDoNotMix},
		{"subscribers of a lane compete", subscribersCompete},
		{"every event consumer gets every frame", everyConsumerGetsAll},
		{"the next message comes after the ack", nextComesAfterAck},
		{"a nacked message comes again, as it was", nackedComesAgain},
		{"a message that keeps being nacked is kept", nackedIsKept},
		{"what a subscriber held when it went away comes again", heldComesAgain},
		{"an ack counts after the subscription has ended", lateAckCounts},
		{"a message's context ends with its ack", contextEndsWithAck},
		{"a message's context and channel end with the subscription", subscriptionEnds},
		{"depth counts what waits", depthCounts},
		{"an unknown topic is refused", unknownTopicRefused},
		{"publishing nothing succeeds", publishingNothing},
		{"a closed bus refuses and ends its subscriptions", closedBusRefuses},
		{"close does not wait for a handler for ever", closeDoesNotHang},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.check(t, bus{open(t)})
		})
	}
}

// normalLane is the topic that most laws use.
var normalLane = ports.DispatchTopic(domain.Normal)

// bus is a bus under test.
type bus struct{ ports.Bus }

// publish publishes payloads in one call, which in process lasts until they are
// acked, and returns its result and the messages' ids.
func (b bus) publish(topic string, payloads ...string) (ids []string, result <-chan error) {
	messages := make([]*message.Message, len(payloads))
	for i, payload := range payloads {
		messages[i] = message.NewMessage(watermill.NewUUID(), []byte(payload))
		ids = append(ids, messages[i].UUID)
	}
	done := make(chan error, 1)
	go func() { done <- b.Publish(topic, messages...) }()
	return ids, done
}

// subscribe subscribes until the test or the returned function ends it.
func (b bus) subscribe(t *testing.T, topic string) (<-chan *message.Message, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := b.Subscribe(ctx, topic)
	if err != nil {
		t.Fatalf("Subscribe(%s): %v", topic, err)
	}
	return messages, cancel
}

// eventually waits until holds does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(carriedWithin)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", carriedWithin, what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// receive returns the next message.
func receive(t *testing.T, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the subscription has ended")
		}
		return m
	case <-time.After(carriedWithin):
		t.Fatalf("no message within %s", carriedWithin)
	}
	return nil
}

// receiveAcking receives and acks messages with these payloads, in this order.
func receiveAcking(t *testing.T, messages <-chan *message.Message, payloads ...string) {
	t.Helper()
	for _, want := range payloads {
		m := receive(t, messages)
		if got := string(m.Payload); got != want {
			t.Fatalf("received %q, want %q", got, want)
		}
		m.Ack()
	}
}

// silent fails if a message comes within a time in which one would have come.
func silent(t *testing.T, messages <-chan *message.Message, why string) {
	t.Helper()
	select {
	case m, ok := <-messages:
		if ok {
			t.Fatalf("%q came %s", m.Payload, why)
		}
	case <-time.After(100 * time.Millisecond):
	}
}

// published waits for the result of a publish.
func published(t *testing.T, result <-chan error) {
	t.Helper()
	if err := resultOf(t, result); err != nil {
		t.Fatalf("Publish: %v", err)
	}
}

func resultOf(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(carriedWithin):
		return fmt.Errorf("no result within %s", carriedWithin)
	}
}

// ends waits until done does.
func ends(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(carriedWithin):
		t.Fatalf("%s has not ended within %s", what, carriedWithin)
	}
}

// closes waits until a subscription's channel is closed, passing over messages.
func closes(t *testing.T, messages <-chan *message.Message) {
	t.Helper()
	deadline := time.After(carriedWithin)
	for {
		select {
		case _, ok := <-messages:
			if !ok {
				return
			}
		case <-deadline:
			t.Fatalf("the subscription has not ended within %s", carriedWithin)
		}
	}
}
