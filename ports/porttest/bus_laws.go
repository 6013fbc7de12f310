package porttest

import (
	"context"
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

func messageArrives(t *testing.T, b bus) {
	m := message.NewMessage("id-1", []byte("\x00\xffbytes, not text"))
	m.Metadata.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	m.Metadata.Set("empty", "")
	result := make(chan error, 1)
	go func() { result <- b.Publish(normalLane, m) }()
	messages, _ := b.subscribe(t, normalLane)
	got := receive(t, messages)
	if got.UUID != m.UUID || string(got.Payload) != string(m.Payload) {
		t.Errorf("received %s %q, want %s %q", got.UUID, got.Payload, m.UUID, m.Payload)
	}
	for name, want := range m.Metadata {
		if value, ok := got.Metadata[name]; !ok || value != want {
			t.Errorf("metadata %s = %q, want %q", name, value, want)
		}
	}
	got.Ack()
	published(t, result)
}

func messagesArriveInOrder(t *testing.T, b bus) {
	payloads := make([]string, 50)
	for i := range payloads {
		payloads[i] = fmt.Sprint(i)
	}
	_, result := b.publish(normalLane, payloads...)
	messages, _ := b.subscribe(t, normalLane)
	receiveAcking(t, messages, payloads...)
	published(t, result)
}

func messageWaitsForSubscriber(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "early")
	eventually(t, "the message waits", func() bool { return depth(t, b, normalLane) == 1 })
	messages, _ := b.subscribe(t, normalLane)
	receiveAcking(t, messages, "early")
	published(t, result)
}

func lanesDoNotMix(t *testing.T, b bus) {
	var results []<-chan error
	for _, lane := range domain.Lanes {
		_, result := b.publish(ports.DispatchTopic(lane), string(lane))
		results = append(results, result)
	}
	for _, lane := range domain.Lanes {
		messages, _ := b.subscribe(t, ports.DispatchTopic(lane))
		receiveAcking(t, messages, string(lane))
		silent(t, messages, "from another lane")
	}
	for _, result := range results {
		published(t, result)
	}
}

func subscribersCompete(t *testing.T, b bus) {
	one, _ := b.subscribe(t, normalLane)
	two, _ := b.subscribe(t, normalLane)
	_, first := b.publish(normalLane, "a")
	_, second := b.publish(normalLane, "b")
	// Each holds one, so that the other message can only go to the other.
	m, n := receive(t, one), receive(t, two)
	if string(m.Payload) == string(n.Payload) {
		t.Errorf("both got %q", m.Payload)
	}
	m.Ack()
	n.Ack()
	published(t, first)
	published(t, second)
	silent(t, one, "again after its ack")
	silent(t, two, "again after its ack")
}

func everyConsumerGetsAll(t *testing.T, b bus) {
	_, result := b.publish(ports.TopicEvents, "frame 1", "frame 2")
	for _, consumer := range BusEventConsumers {
		messages, _ := b.subscribe(t, ports.TopicEvents+"."+consumer)
		receiveAcking(t, messages, "frame 1", "frame 2")
	}
	published(t, result)
}

func nextComesAfterAck(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "a", "b")
	messages, _ := b.subscribe(t, normalLane)
	m := receive(t, messages)
	silent(t, messages, "before the ack of the one before")
	m.Ack()
	receiveAcking(t, messages, "b")
	published(t, result)
}

func nackedComesAgain(t *testing.T, b bus) {
	ids, result := b.publish(normalLane, "a", "b")
	messages, _ := b.subscribe(t, normalLane)
	for range 3 {
		m := receive(t, messages)
		if m.UUID != ids[0] || string(m.Payload) != "a" || m.Metadata.Get("mine") != "" {
			t.Fatalf("received %s %q %v, want the first message as it was", m.UUID, m.Payload, m.Metadata)
		}
		m.Payload[0] = 'x'
		m.Metadata.Set("mine", "changed")
		m.Nack()
	}
	receiveAcking(t, messages, "a", "b")
	published(t, result)
}

func nackedIsKept(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "a")
	messages, _ := b.subscribe(t, normalLane)
	for range 25 { // more than a broker's delivery limit
		receive(t, messages).Nack()
	}
	receiveAcking(t, messages, "a")
	published(t, result)
}

func heldComesAgain(t *testing.T, b bus) {
	ids, result := b.publish(normalLane, "a", "b")
	messages, cancel := b.subscribe(t, normalLane)
	held := receive(t, messages)
	cancel()
	ends(t, "the context of the message", held.Context().Done())
	closes(t, messages)
	again, _ := b.subscribe(t, normalLane)
	m := receive(t, again)
	if m.UUID != ids[0] {
		t.Errorf("received %q first, want the one that was held", m.Payload)
	}
	m.Ack()
	receiveAcking(t, again, "b")
	published(t, result)
}

func lateAckCounts(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "a")
	messages, cancel := b.subscribe(t, normalLane)
	m := receive(t, messages)
	cancel()
	m.Ack()
	closes(t, messages)
	published(t, result)
	again, _ := b.subscribe(t, normalLane)
	silent(t, again, "although it had been acked")
}

func contextEndsWithAck(t *testing.T, b bus) {
	_, result := b.publish(normalLane, "a")
	type key struct{}
	messages, err := b.Subscribe(context.WithValue(t.Context(), key{}, "subscriber's"), normalLane)
	if err != nil {
		t.Fatal(err)
	}
	m := receive(t, messages)
	if m.Context().Err() != nil || m.Context().Value(key{}) != "subscriber's" {
		t.Error("the message's context is not the subscription's")
	}
	m.Ack()
	ends(t, "the context of the message", m.Context().Done())
	published(t, result)
}

func subscriptionEnds(t *testing.T, b bus) {
	messages, cancel := b.subscribe(t, normalLane)
	cancel()
	closes(t, messages)
}
