package rabbitmq

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/domain"
)

func TestForeignHeadersDoNotStopConsumption(t *testing.T) {
	c := atBroker(t, Config{})
	b := open(t, c)
	foreign := amqp.Publishing{
		Body: []byte("foreign"),
		Headers: amqp.Table{
			"kept": "text", "int": int32(7), "float": 1.5, "bool": true, "time": time.Unix(1, 0), "nil": nil,
			"bytes": []byte{1}, "table": amqp.Table{"a": "b"}, "array": []any{int64(1), "x"}, "amqp.delivery_count": "forged",
		},
	}
	if err := broker(t, c).Publish(c.Prefix+exchangeDispatch, string(domain.Bulk), true, false, foreign); err != nil {
		t.Fatal(err)
	}
	m := receive(t, subscribe(t, b, bulk))
	want := message.Metadata{
		"kept": "text", HeaderDeliveryCount: "0", HeaderRedelivered: "false", HeaderRoutingKey: "bulk",
	}
	if diff := cmp.Diff(want, m.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if m.UUID == "" || string(m.Payload) != "foreign" {
		t.Errorf("received %q %q", m.UUID, m.Payload)
	}
	m.Ack()
}

func TestDeliveryShowsItsHistory(t *testing.T) {
	for name, tt := range map[string]struct {
		headers amqp.Table
		want    message.Metadata
	}{
		"none":     {nil, message.Metadata{HeaderDeliveryCount: "0"}},
		"counted":  {amqp.Table{"x-delivery-count": int64(3)}, message.Metadata{HeaderDeliveryCount: "3"}},
		"not ours": {amqp.Table{"x-delivery-count": "many", "x-death": "never"}, message.Metadata{HeaderDeliveryCount: "0"}},
		"empty":    {amqp.Table{"x-death": []any{}}, message.Metadata{HeaderDeliveryCount: "0"}},
		"foreign":  {amqp.Table{"x-death": []any{"a string"}}, message.Metadata{HeaderDeliveryCount: "0"}},
		"bare": {amqp.Table{"x-death": []any{amqp.Table{"count": "one"}}}, message.Metadata{
			HeaderDeliveryCount: "0", HeaderDeathQueue: "", HeaderDeathReason: "", HeaderDeathCount: "0",
		}},
		"dead twice": {amqp.Table{
			"x-death": []any{
				amqp.Table{"queue": "late", "reason": "rejected", "count": int64(2)},
				amqp.Table{"queue": "early", "reason": "expired", "count": int64(1)},
			},
			"x-first-death-queue": "early", "x-last-death-reason": "rejected",
		}, message.Metadata{
			HeaderDeliveryCount: "0", HeaderDeathQueue: "late", HeaderDeathReason: "rejected", HeaderDeathCount: "2",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := unmarshal(amqp.Delivery{Acknowledger: &amqp.Channel{}, MessageId: "id", Headers: tt.headers})
			if err != nil {
				t.Fatal(err)
			}
			tt.want[HeaderRedelivered], tt.want[HeaderRoutingKey] = "false", ""
			if diff := cmp.Diff(tt.want, m.Metadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndOfAChannelIsNoMessage(t *testing.T) {
	if m, err := unmarshal(amqp.Delivery{}); !errors.Is(err, errNoDelivery) {
		t.Errorf("unmarshal = %v, %v; want errNoDelivery", m, err)
	}
}

func TestHistoryIsNotPublishedAgain(t *testing.T) {
	received, err := unmarshal(amqp.Delivery{
		Acknowledger: &amqp.Channel{}, MessageId: "id", RoutingKey: "bulk", Redelivered: true,
		Headers: amqp.Table{
			"traceparent": "00-trace", "x-delivery-count": int64(3),
			"x-death": []any{amqp.Table{"queue": "q", "reason": "expired", "count": int64(1)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x-death", "x-delivery-count", "x-first-death-queue", "x-last-death-queue", "CC", "BCC"} {
		received.Metadata.Set(name, "by hand")
	}
	again, err := marshal(received)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(amqp.Table{"traceparent": "00-trace"}, again.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if again.MessageId != "id" || again.DeliveryMode != amqp.Persistent {
		t.Errorf("published as %q, mode %d; want a persistent message called id", again.MessageId, again.DeliveryMode)
	}
}

func TestNamesThatAMQPCannotCarryAreRefused(t *testing.T) {
	long := strings.Repeat("n", 256)
	b := open(t, atBroker(t, Config{}))
	m := message.NewMessage("id", nil)
	m.Metadata.Set(long, "")
	for name, m := range map[string]*message.Message{"metadata": m, "UUID": message.NewMessage(long, nil)} {
		if err := b.Publish(bulk, m); err == nil {
			t.Errorf("a %s of 256 bytes is published", name)
		}
	}
	publish(t, b, bulk, numbered(0, 1)...) // on a channel that took no harm
}
