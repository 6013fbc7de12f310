package rabbitmq

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Metadata of received messages that the broker has put there. It describes the
// delivery, not the message, and is left out when the message is published again.
const (
	brokerNamespace = "amqp."

	HeaderDeliveryCount = brokerNamespace + "delivery_count" // deliveries before this one that were not acked
	HeaderRedelivered   = brokerNamespace + "redelivered"    // "true" if there may have been any
	HeaderRoutingKey    = brokerNamespace + "routing_key"
	HeaderDeathQueue    = brokerNamespace + "death_queue"  // queue it was last dead-lettered from
	HeaderDeathReason   = brokerNamespace + "death_reason" // "rejected", "expired", "maxlen" or "delivery_limit"
	HeaderDeathCount    = brokerNamespace + "death_count"  // how often, there and for that reason
)

// errNoDelivery says that a channel ended and what was read is no message.
var errNoDelivery = errors.New("no delivery: the channel has ended")

// maxHeaderName is the length of a name in an AMQP table.
const maxHeaderName = 255

// marshal returns msg as it is published: persistent, named by its UUID so that
// a return can be matched, its metadata as string headers.
func marshal(msg *message.Message) (amqp.Publishing, error) {
	headers := make(amqp.Table, len(msg.Metadata))
	for name, value := range msg.Metadata {
		if len(name) > maxHeaderName {
			return amqp.Publishing{}, fmt.Errorf("publishing message %s: a metadata name of %d bytes", msg.UUID, len(name))
		}
		if !isBrokers(name) {
			headers[name] = value
		}
	}
	if len(msg.UUID) > maxHeaderName {
		return amqp.Publishing{}, fmt.Errorf("publishing message: a UUID of %d bytes", len(msg.UUID))
	}
	return amqp.Publishing{
		DeliveryMode: amqp.Persistent,
		MessageId:    msg.UUID,
		Headers:      headers,
		Body:         msg.Payload,
	}, nil
}

// isBrokers reports whether a header has a meaning to the broker. x-death sent
// back would count as a history; CC and BCC would add routes.
func isBrokers(name string) bool {
	switch name {
	case "x-death", "x-delivery-count", "CC", "BCC":
		return true
	}
	for _, prefix := range []string{brokerNamespace, "x-first-death-", "x-last-death-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// unmarshal returns the message in d. No header can make it fail: what is not a
// string, or is the broker's, appears in its own words under brokerNamespace or
// not at all. It returns errNoDelivery for the zero Delivery.
func unmarshal(d amqp.Delivery) (*message.Message, error) {
	if d.Acknowledger == nil {
		return nil, errNoDelivery
	}
	uuid := d.MessageId
	if uuid == "" {
		uuid = watermill.NewUUID() // a foreign publisher's
	}
	msg := message.NewMessage(uuid, d.Body)
	for name, value := range d.Headers {
		if s, ok := value.(string); ok && !isBrokers(name) {
			msg.Metadata.Set(name, s)
		}
	}
	msg.Metadata.Set(HeaderRedelivered, strconv.FormatBool(d.Redelivered))
	msg.Metadata.Set(HeaderRoutingKey, d.RoutingKey)
	msg.Metadata.Set(HeaderDeliveryCount, strconv.FormatInt(integer(d.Headers["x-delivery-count"]), 10))
	if death, ok := lastDeath(d.Headers); ok {
		queue, _ := death["queue"].(string)
		reason, _ := death["reason"].(string)
		msg.Metadata.Set(HeaderDeathQueue, queue)
		msg.Metadata.Set(HeaderDeathReason, reason)
		msg.Metadata.Set(HeaderDeathCount, strconv.FormatInt(integer(death["count"]), 10))
	}
	return msg, nil
}

// lastDeath returns the newest entry of x-death, which stands first.
func lastDeath(headers amqp.Table) (amqp.Table, bool) {
	deaths, ok := headers["x-death"].([]any)
	if !ok || len(deaths) == 0 {
		return nil, false
	}
	death, ok := deaths[0].(amqp.Table)
	return death, ok
}

// integer returns an AMQP integer of any width, and 0 for anything else.
func integer(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	case int16:
		return int64(n)
	case int8:
		return int64(n)
	case int:
		return int64(n)
	case byte:
		return int64(n)
	}
	return 0
}
