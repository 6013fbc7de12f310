package rabbitmq

import (
	"bytes"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Whatever headers a message has, it arrives as it was sent, without those that are
// the broker's; and whatever the broker says of it does not stop it.
func FuzzMarshal(f *testing.F) {
	f.Add("id", "lane", "high", "sms.retry.30s", "expired", int64(3), []byte("body"))
	f.Add("", "x-death", "forged", "", "", int64(-1), []byte(nil))
	f.Add("id", "CC", "elsewhere", "q", "rejected", int64(1)<<62, []byte("\x00\xff"))
	f.Add("id", "amqp.death_queue", "forged", "q", "r", int64(0), []byte("x"))
	f.Fuzz(func(t *testing.T, id, name, value, queue, reason string, count int64, body []byte) {
		sent := message.NewMessage(id, body)
		sent.Metadata.Set(name, value)
		p, err := marshal(sent)
		if err != nil {
			if len(id) <= maxHeaderName && len(name) <= maxHeaderName {
				t.Fatal(err)
			}
			return
		}
		if err := p.Headers.Validate(); err != nil {
			t.Fatalf("no table for the wire: %v", err)
		}
		received, err := unmarshal(amqp.Delivery{Acknowledger: noAcks{}, MessageId: p.MessageId, Headers: p.Headers, Body: p.Body})
		if kept, ok := received.Metadata[name]; err != nil || !isBrokers(name) && (!ok || kept != value) {
			t.Fatalf("header %q is received as %q, %v", name, kept, err)
		}
		for _, death := range []any{amqp.Table{"queue": queue, "reason": reason, "count": count}, value, nil, amqp.Table{"queue": count}} {
			p.Headers["x-death"] = []any{death}
			p.Headers["x-delivery-count"] = count
			got, err := unmarshal(amqp.Delivery{Acknowledger: noAcks{}, MessageId: p.MessageId, Headers: p.Headers, Body: p.Body})
			if err != nil || got.UUID == "" || id != "" && got.UUID != id || !bytes.Equal(got.Payload, body) {
				t.Fatalf("received as %v, %v", got, err)
			}
		}
	})
}

// noAcks is where deliveries of the test come from.
type noAcks struct{}

func (noAcks) Ack(uint64, bool) error        { return nil }
func (noAcks) Nack(uint64, bool, bool) error { return nil }
func (noAcks) Reject(uint64, bool) error     { return nil }
