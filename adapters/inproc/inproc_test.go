package inproc_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/adapters/inproc"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBus(t *testing.T) {
	porttest.Bus(t, func(t *testing.T) ports.Bus {
		return open(t, inproc.Config{DrainTimeout: 100 * time.Millisecond, RedeliverMax: 10 * time.Millisecond})
	})
}

// The bubbles' clock stands still until everything waits, so that "has returned"
// and "still waits" are facts.

func TestPublishLastsUntilTheAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{})
		result := publish(b, bulk, "a", "b")
		messages := subscribe(t, b, bulk)
		first := <-messages
		first.Ack()
		second := <-messages
		time.Sleep(time.Hour)
		waits(t, result)
		second.Ack()
		if err := <-result; err != nil {
			t.Errorf("Publish: %v", err)
		}
	})
}

func TestPublishOfEventsLastsUntilEveryConsumersAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{})
		result := publish(b, ports.TopicEvents, "frame")
		one := <-subscribe(t, b, ports.TopicEvents+"."+porttest.BusEventConsumers[0])
		one.Ack()
		time.Sleep(time.Hour)
		waits(t, result)
		other := <-subscribe(t, b, ports.TopicEvents+"."+porttest.BusEventConsumers[1])
		other.Ack()
		if err := <-result; err != nil {
			t.Errorf("Publish: %v", err)
		}
	})
}

func TestPublishEndsWithAMessagesContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		result := publishWith(ctx, b, bulk, "a", "b")
		messages := subscribe(t, b, bulk)
		held := <-messages
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Publish = %v, want Canceled", err)
		}
		if n, err := b.Depth(t.Context(), bulk); n != 0 || err != nil {
			t.Errorf("Depth = %d, %v; want what was given up to be gone", n, err)
		}
		held.Nack()
		time.Sleep(time.Hour)
		select {
		case m := <-messages:
			t.Errorf("%q is emitted although nobody waits for it", m.Payload)
		default:
		}
	})
}

func TestCloseMakesPublishFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{MaxWaiting: 1})
		results := []<-chan error{publish(b, bulk, "a"), publish(b, bulk, "b"), publish(b, ports.TopicEvents, "frame")}
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for _, result := range results {
			if err := <-result; !errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("Publish = %v, want ErrUnavailable", err)
			}
		}
	})
}

func TestTopicHoldsNoMoreThanMaxWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{MaxWaiting: 2})
		payloads := []string{"0", "1", "2", "3", "4"}
		result := publish(b, bulk, payloads...)
		synctest.Wait()
		if n, err := b.Depth(t.Context(), bulk); n != 2 || err != nil {
			t.Errorf("Depth = %d, %v; want 2", n, err)
		}
		messages := subscribe(t, b, bulk)
		for _, want := range payloads {
			m := <-messages
			if string(m.Payload) != want {
				t.Errorf("received %q, want %q", m.Payload, want)
			}
			m.Ack()
		}
		if err := <-result; err != nil {
			t.Errorf("Publish: %v", err)
		}
	})
}

func TestNackedMessageComesAgainAfterAGrowingWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, inproc.Config{})
		result := publish(b, bulk, "a")
		messages := subscribe(t, b, bulk)
		var waits []string
		m := <-messages
		for range 9 {
			nacked := time.Now()
			m.Nack()
			m = <-messages
			waits = append(waits, strconv.FormatInt(time.Since(nacked).Milliseconds(), 10))
		}
		m.Ack()
		if err := <-result; err != nil {
			t.Errorf("Publish: %v", err)
		}
		want := []string{"10", "20", "40", "80", "160", "320", "640", "1000", "1000"}
		if !slices.Equal(waits, want) {
			t.Errorf("waits in ms = %v, want %v", waits, want)
		}
	})
}

func TestRetryTopicsAreRefused(t *testing.T) {
	b := open(t, inproc.Config{})
	if err := <-publish(b, ports.RetryTopic(30*time.Second), "a"); err == nil {
		t.Error("a message waits in a process that may end before it is due")
	}
}

func TestDepthsNameEveryQueue(t *testing.T) {
	depths, err := open(t, inproc.Config{}).Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		ports.TopicDeadLetter, "sms.dispatch.bulk", "sms.dispatch.high", "sms.dispatch.normal",
		"sms.events.projections", "sms.events.webhooks",
	}
	var got []string
	for name := range depths {
		got = append(got, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("Depths of %v, want %v", got, want)
	}
}

var bulk = ports.DispatchTopic(domain.Bulk)

func open(t *testing.T, c inproc.Config) *inproc.Bus {
	t.Helper()
	c.EventConsumers = porttest.BusEventConsumers
	b := inproc.New(c)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func publish(b *inproc.Bus, topic string, payloads ...string) <-chan error {
	return publishWith(context.Background(), b, topic, payloads...)
}

func publishWith(ctx context.Context, b *inproc.Bus, topic string, payloads ...string) <-chan error {
	messages := make([]*message.Message, len(payloads))
	for i, payload := range payloads {
		messages[i] = message.NewMessageWithContext(ctx, strconv.Itoa(i), []byte(payload))
	}
	result := make(chan error, 1)
	go func() { result <- b.Publish(topic, messages...) }()
	return result
}

func subscribe(t *testing.T, b *inproc.Bus, topic string) <-chan *message.Message {
	t.Helper()
	messages, err := b.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func waits(t *testing.T, result <-chan error) {
	t.Helper()
	select {
	case err := <-result:
		t.Fatalf("Publish has returned (%v), but not every message is acked", err)
	default:
	}
}
