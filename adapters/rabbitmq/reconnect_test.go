package rabbitmq

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

func TestNothingIsLostWhenConnectionsAreCut(t *testing.T) {
	const total = 300
	c, p := through(t, atBroker(t, Config{ConfirmTimeout: 2 * time.Second}))
	b := open(t, c)
	one, two := subscribe(t, b, bulk), subscribe(t, b, bulk)

	var publishing sync.WaitGroup
	defer publishing.Wait()
	publishing.Go(func() {
		for i := range total {
			for b.Publish(bulk, numbered(i, 1)...) != nil {
				if t.Context().Err() != nil {
					return
				}
				pause(t.Context(), 10*time.Millisecond)
			}
			if i%100 == 50 {
				p.cut()
			}
		}
	})
	seen := map[string]bool{}
	deadline := time.After(3 * within)
	for len(seen) < total {
		select {
		case m := <-one:
			seen[m.UUID] = true
			m.Ack()
		case m := <-two:
			seen[m.UUID] = true
			m.Ack()
		case <-deadline:
			t.Fatalf("received %d of %d messages", len(seen), total)
		}
	}
}

func TestMessageOfALostSubscriberGoesToAnother(t *testing.T) {
	c := atBroker(t, Config{})
	throughProxy, p := through(t, c)
	lost, other := open(t, throughProxy), open(t, c)
	publish(t, other, bulk, numbered(0, 1)...)
	held := receive(t, subscribe(t, lost, bulk))
	p.fail()
	m := receive(t, subscribe(t, other, bulk))
	if m.UUID != held.UUID || m.Metadata.Get(HeaderRedelivered) != "true" || m.Metadata.Get(HeaderDeliveryCount) != "1" {
		t.Errorf("received %s %v, want %s again", m.UUID, m.Metadata, held.UUID)
	}
	m.Ack()
}

func TestNextMessageWaitsForTheHandlerOverALostConnection(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	b := open(t, c)
	publish(t, b, bulk, numbered(0, 1)...)
	messages := subscribe(t, b, bulk)
	held := receive(t, messages)
	p.cut()
	eventually(t, func() error { return b.Publish(bulk, numbered(1, 1)...) })
	eventually(t, func() error { return b.Ping(t.Context()) })
	select {
	case m := <-messages:
		t.Fatalf("%s came while the handler is at work", m.UUID)
	case <-held.Context().Done():
		t.Fatal("the handler's context ended with the connection")
	case <-time.After(300 * time.Millisecond): // longer than reconnecting takes
	}
	held.Ack() // too late to count
	for _, want := range []string{"0", "1"} {
		m := receive(t, messages)
		if m.UUID != want {
			t.Errorf("received %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
}

func TestSubscribeBeforeThereIsABroker(t *testing.T) {
	c, p := through(t, atBroker(t, Config{}))
	p.fail()
	b := open(t, c)
	messages := subscribe(t, b, bulk)
	p.heal()
	eventually(t, func() error { return b.Publish(bulk, numbered(0, 1)...) })
	receive(t, messages).Ack()
}

func TestCloseWithoutABrokerIsPrompt(t *testing.T) {
	for name, lose := range map[string]func(*proxy){"gone": (*proxy).fail, "silent": (*proxy).stall} {
		t.Run(name, func(t *testing.T) {
			c, p := through(t, atBroker(t, Config{ConfirmTimeout: 100 * time.Millisecond}))
			b := open(t, c)
			messages := subscribe(t, b, bulk)
			publish(t, b, bulk, numbered(0, 2)...)
			receive(t, messages) // and never an ack
			lose(p)
			if err := b.Publish(bulk, numbered(2, 1)...); !errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("Publish = %v, want ErrUnavailable", err)
			}
			closed := make(chan struct{})
			go func() { defer close(closed); _ = b.Close() }()
			select {
			case <-closed:
			case <-time.After(within):
				t.Fatalf("Close still waits after %s", within)
			}
		})
	}
}
