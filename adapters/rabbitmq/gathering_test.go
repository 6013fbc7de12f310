package rabbitmq

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// frameOf is the frame of the events from first to last.
func frameOf(t *testing.T, first, last int64) []byte {
	t.Helper()
	f := ports.EventFrame{First: first, Last: last}
	for p := first; p <= last; p++ {
		e, err := events.Prepare("msg_1", int(p), events.MessageCanceled{}, events.Meta{})
		if err != nil {
			t.Fatal(err)
		}
		e.Position, e.RecordedAt = p, time.Now().UTC()
		f.Events = append(f.Events, e)
	}
	return f.Encode()
}

func TestFramesOfEventsThatWaitComeAsOne(t *testing.T) {
	c := &consumer{arrivals: make(chan arrival, 10), live: t.Context()}
	bodies := [][]byte{frameOf(t, 1, 2), frameOf(t, 3, 3), frameOf(t, 7, 8), []byte("no frame"), frameOf(t, 9, 9)}
	for i, body := range bodies {
		c.arrivals <- arrival{Delivery: amqp.Delivery{DeliveryTag: uint64(i + 1), Body: body}}
	}
	var g gathering
	var got []string
	for a, ok := g.gather(c, <-c.arrivals, time.Millisecond), true; ok; a, ok = g.next() {
		f, _ := ports.DecodeEvents(a.Body)
		got = append(got, fmt.Sprintf("%d-%d ack %d", f.First, f.Last, a.DeliveryTag))
	}
	if want := "[1-3 ack 2 7-8 ack 3 0-0 ack 4 9-9 ack 5]"; fmt.Sprint(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAFrameOfEventsWaitsOnlyBehindAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{arrivals: make(chan arrival, 10), live: context.Background()}
		var g gathering
		began := time.Now()
		took := func(body []byte) time.Duration {
			g.gather(c, arrival{Delivery: amqp.Delivery{Body: body}}, time.Second)
			return time.Since(began)
		}
		if d := took(frameOf(t, 1, 1)); d != 0 {
			t.Errorf("the first came after %s", d)
		}
		if d := took([]byte("no frame")); d != 0 {
			t.Errorf("what is no frame came after %s", d)
		}
		if d := took(frameOf(t, 2, 2)); d != time.Second {
			t.Errorf("the second came after %s, want 1s", d)
		}
		time.Sleep(time.Second)
		if d := took(frameOf(t, 3, 3)); d != 2*time.Second {
			t.Errorf("the third, alone, came after %s, want 2s", d)
		}
	})
}

func TestFramesOfEventsAreAckedTogether(t *testing.T) {
	c := atBroker(t, Config{EventsEvery: time.Millisecond})
	b := open(t, c)
	topic := ports.TopicEvents + "." + porttest.BusEventConsumers[0]
	for p := int64(1); p <= 2*framesAhead; p++ {
		publish(t, b, ports.TopicEvents, message.NewMessage("", frameOf(t, p, p)))
	}
	messages := subscribe(t, b, topic)
	for next := int64(1); next <= 2*framesAhead; {
		m := receive(t, messages)
		f, err := ports.DecodeEvents(m.Payload)
		if err != nil || f.First != next {
			t.Fatalf("%d to %d, %v; want those from %d on", f.First, f.Last, err, next)
		}
		next = f.Last + 1
		m.Ack()
	}
	again := open(t, c)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	publish(t, again, ports.TopicEvents, message.NewMessage("", []byte("last")))
	if m := receive(t, subscribe(t, again, topic)); string(m.Payload) != "last" {
		t.Error("what was acked came back")
	} else {
		m.Ack()
	}
}
