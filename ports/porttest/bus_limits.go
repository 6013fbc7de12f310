package porttest

import (
	"errors"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/ports"
)

func depth(t *testing.T, b bus, topic string) int {
	t.Helper()
	n, err := b.Depth(t.Context(), topic)
	if err != nil {
		t.Fatalf("Depth(%s): %v", topic, err)
	}
	return n
}

func depthCounts(t *testing.T, b bus) {
	for _, topic := range []string{normalLane, ports.TopicEvents, ports.TopicEvents + "." + BusEventConsumers[0]} {
		if n := depth(t, b, topic); n != 0 {
			t.Errorf("depth of %s = %d, want 0", topic, n)
		}
	}
	_, work := b.publish(normalLane, "a", "b", "c")
	_, frames := b.publish(ports.TopicEvents, "1", "2")
	eventually(t, "three wait in the lane", func() bool { return depth(t, b, normalLane) == 3 })
	eventually(t, "two frames wait", func() bool { return depth(t, b, ports.TopicEvents) == 2 })

	messages, _ := b.subscribe(t, normalLane)
	receiveAcking(t, messages, "a", "b", "c")
	eventually(t, "nothing waits in the lane", func() bool { return depth(t, b, normalLane) == 0 })
	published(t, work)
	for _, consumer := range BusEventConsumers {
		messages, _ := b.subscribe(t, ports.TopicEvents+"."+consumer)
		receiveAcking(t, messages, "1", "2")
	}
	published(t, frames)
}

func unknownTopicRefused(t *testing.T, b bus) {
	for _, topic := range []string{
		"", "sms.dispatch.", "sms.dispatch.express", "sms.events.nobody", "sms.retry.7s", "elsewhere",
	} {
		if err := b.Publish(topic, message.NewMessage("id", nil)); err == nil {
			t.Errorf("Publish(%q) succeeds", topic)
		}
		if _, err := b.Subscribe(t.Context(), topic); err == nil {
			t.Errorf("Subscribe(%q) succeeds", topic)
		}
		if _, err := b.Depth(t.Context(), topic); err == nil {
			t.Errorf("Depth(%q) succeeds", topic)
		}
	}
	if _, err := b.Subscribe(t.Context(), ports.TopicEvents); err == nil {
		t.Error("Subscribe to all events succeeds, which consumer's they are left open")
	}
}

func publishingNothing(t *testing.T, b bus) {
	_, result := b.publish(normalLane)
	published(t, result)
}

func closedBusRefuses(t *testing.T, b bus) {
	messages, _ := b.subscribe(t, normalLane)
	for range 2 { // the second does no harm
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	closes(t, messages)
	_, result := b.publish(normalLane, "late")
	if err := resultOf(t, result); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Publish = %v, want ErrUnavailable", err)
	}
	if _, err := b.Subscribe(t.Context(), normalLane); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Subscribe = %v, want ErrUnavailable", err)
	}
}

func closeDoesNotHang(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "a")
	messages, _ := b.subscribe(t, normalLane)
	m := receive(t, messages) // and never an ack
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	ends(t, "the context of the message", m.Context().Done())
	ends(t, "Close", closed)
	closes(t, messages)
	<-result // it has ended, whether with the broker's confirm or with an error
}
