package rabbitmq

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// routingKeyEvents is the key under which event frames are published. Queues of
// other systems may bind to it; a frame has events of many kinds.
const routingKeyEvents = "events"

// route is where a message is published to.
type route struct{ exchange, key string }

// topics translates topics into names at the broker.
type topics struct {
	prefix         string
	retries        []string // retry topics that have a queue
	eventConsumers []string
	any            bool // a queue for every other topic
}

func newTopics(c Config) topics {
	t := topics{prefix: c.Prefix, eventConsumers: distinct(c.EventConsumers), any: c.TopicQueues}
	for _, delay := range distinct(c.RetryDelays) {
		t.retries = append(t.retries, ports.RetryTopic(delay))
	}
	return t
}

// route returns where to publish a message of topic.
func (t topics) route(topic string, metadata message.Metadata) (route, error) {
	if lane, ok := strings.CutPrefix(topic, ports.TopicDispatch); ok && isLane(lane) {
		return route{t.prefix + exchangeDispatch, lane}, nil
	}
	switch {
	case slices.Contains(t.retries, topic):
		// With any other key it would expire and then have nowhere to go.
		lane := metadata.Get(ports.HeaderLane)
		if !isLane(lane) {
			return route{}, fmt.Errorf("publishing to %s: header %s names no lane", topic, ports.HeaderLane)
		}
		return route{t.prefix + topic, lane}, nil
	case topic == ports.TopicEvents:
		return route{t.prefix + ports.TopicEvents, routingKeyEvents}, nil
	case topic == ports.TopicUnreadable, t.any && !t.known(topic):
		return route{"", t.prefix + topic}, nil
	}
	return route{}, fmt.Errorf("publishing to %s: no such topic", topic)
}

// queue returns the queue that topic is consumed from.
func (t topics) queue(topic string) (string, error) {
	if t.consumable(topic) || t.any && !t.known(topic) {
		return t.prefix + topic, nil
	}
	return "", fmt.Errorf("subscribing to %s: no such topic", topic)
}

// queues returns the queues in which messages published to topic wait.
func (t topics) queues(topic string) ([]string, error) {
	var names []string
	switch {
	case topic == ports.TopicEvents:
		for _, consumer := range t.eventConsumers {
			names = append(names, t.prefix+ports.TopicEvents+"."+consumer)
		}
	case slices.Contains(t.retries, topic), t.consumable(topic), topic == ports.TopicUnreadable, t.any:
		names = []string{t.prefix + topic}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("measuring %s: no such topic", topic)
	}
	return names, nil
}

// consumable reports whether topic is one of ours that has a consumer's queue.
func (t topics) consumable(topic string) bool {
	if lane, ok := strings.CutPrefix(topic, ports.TopicDispatch); ok {
		return isLane(lane)
	}
	if consumer, ok := strings.CutPrefix(topic, ports.TopicEvents+"."); ok {
		return slices.Contains(t.eventConsumers, consumer)
	}
	return topic == ports.TopicDeadLetter
}

// known reports whether topic is one of ports, whether or not it is configured.
func (t topics) known(topic string) bool {
	return strings.HasPrefix(topic, "sms.")
}

// onDemand reports whether queue has to be declared when it is first used.
func (t topics) onDemand(topic string) bool { return t.any && !t.known(topic) }

func isLane(s string) bool { return slices.Contains(domain.Lanes, domain.Lane(s)) }
