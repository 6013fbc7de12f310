package porttest

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// frameWithin is how long a frame may take before we call it lost.
const frameWithin = 10 * time.Second

// feeds is a log, empty at first, and the way to subscribe to it.
type feeds struct {
	store ports.EventStore
	open  func(group string) message.Subscriber
}

// Feed holds a feed, a message.Subscriber whose messages are a log in frames, to
// its laws: every consumer group gets the whole log, in order, each frame at
// least once, and one frame at a time for all subscribers of the group together.
// open returns a log that is empty and private to each law, and how to open a
// subscriber to it; the suite closes the subscribers.
func Feed(t *testing.T, open func(*testing.T) (store ports.EventStore, subscriber func(group string) message.Subscriber)) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, feeds)
	}{
		{"frames follow each other from the first event to the head, verbatim", framesFollowEachOther},
		{"an append is followed by its frame", appendIsFollowed},
		{"a nacked frame comes again", nackedFrameComesAgain},
		{"a frame neither acked nor nacked comes again", heldFrameComesAgain},
		{"a new subscriber goes on after the last ack", newSubscriberGoesOn},
		{"every group gets the whole log", everyGroupGetsAll},
		{"two subscribers of a group never both hold a frame", oneHoldsAFrame},
		{"a closed subscriber closes its channel and refuses subscriptions", closedSubscriberIsOver},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			store, subscriber := open(t)
			law.check(t, feeds{store, subscriber})
		})
	}
}

// subscribe opens a subscriber, which is closed with the test if not before.
func (f feeds) subscribe(t *testing.T, group string) (message.Subscriber, <-chan *message.Message) {
	t.Helper()
	subscriber := f.open(group)
	t.Cleanup(func() { closeFeed(t, subscriber) })
	messages, err := subscriber.Subscribe(t.Context(), ports.TopicEvents)
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	return subscriber, messages
}

func closeFeed(t *testing.T, subscriber message.Subscriber) {
	t.Helper()
	if err := subscriber.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// fill appends n events in commits of a few.
func (f feeds) fill(t *testing.T, streamID string, n int) {
	t.Helper()
	for at := 0; at < n; {
		size := min(7, n-at)
		w := write(streamID, at, size)
		w.Events[0] = accepted(awkward)
		appendAll(t, f.store, w)
		at += size
	}
}

// next returns the next frame and its message, which waits for its ack.
func next(t *testing.T, messages <-chan *message.Message) (*message.Message, ports.EventFrame) {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the channel is closed, want a frame")
		}
		return m, decodeFrame(t, m)
	case <-time.After(frameWithin):
		t.Fatalf("waited %v in vain for a frame", frameWithin)
	}
	return nil, ports.EventFrame{}
}

func decodeFrame(t *testing.T, m *message.Message) ports.EventFrame {
	t.Helper()
	frame, err := ports.DecodeEvents(m.Payload)
	if err != nil {
		t.Errorf("message %s: %v", m.UUID, err)
	}
	return frame
}

// drain acks frames until position has come, and returns their events.
func drain(t *testing.T, messages <-chan *message.Message, after, position int64) []events.Recorded {
	t.Helper()
	var log []events.Recorded
	for after < position {
		m, frame := next(t, messages)
		if frame.First != after+1 {
			t.Fatalf("a frame begins at %d after %d", frame.First, after)
		}
		log = append(log, frame.Events...)
		after = frame.Last
		m.Ack()
	}
	return log
}
