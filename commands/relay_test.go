package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// wire is a publisher that keeps what it is given, by topic.
type wire struct {
	mu     sync.Mutex
	sent   map[string][]*message.Message
	refuse map[string]error // by topic
}

func (w *wire) Publish(topic string, messages ...*message.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refuse[topic]; err != nil {
		return err
	}
	if w.sent == nil {
		w.sent = map[string][]*message.Message{}
	}
	w.sent[topic] = append(w.sent[topic], messages...)
	return nil
}

func (w *wire) Close() error { return nil }

// take returns the work published so far, a list for each message by topic, and
// forgets it.
func (w *wire) take(t testing.TB) map[string][][]ports.Work {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	work := map[string][][]ports.Work{}
	for topic, messages := range w.sent {
		if topic == ports.TopicEvents {
			continue
		}
		for _, msg := range messages {
			frame, err := ports.DecodeWork(msg.Payload)
			if err != nil {
				t.Fatal(err)
			}
			work[topic] = append(work[topic], frame.Work)
		}
	}
	w.sent = nil
	return work
}

var everyTopic = []string{
	ports.TopicEvents, "sms.dispatch.high", "sms.dispatch.normal", "sms.dispatch.bulk", "sms.retry.30s", "sms.retry.300s",
}

// feed returns everything after position as the relay gets it.
func (w *world) feed(position int64) *message.Message {
	w.t.Helper()
	recorded, err := w.store.Read(w.t.Context(), position, 1000)
	if err != nil || len(recorded) == 0 {
		w.t.Fatalf("reading the log after %d: %d events, %v", position, len(recorded), err)
	}
	payload, err := json.Marshal(ports.EventFrame{
		First: recorded[0].Position, Last: recorded[len(recorded)-1].Position, Events: recorded,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	msg := message.NewMessage("feed", payload)
	msg.SetContext(w.t.Context())
	return msg
}

// record appends events to a stream, as of its present version.
func (w *world) record(id string, recorded ...events.Event) {
	w.t.Helper()
	results, err := w.store.Append(w.t.Context(), ports.Write{
		StreamID: id, Expected: len(w.types(id)), Events: recorded, Meta: events.Meta{Tenant: "acme"},
	})
	if err != nil || results[0].Err != nil {
		w.t.Fatal(err, results)
	}
}

func text(lane domain.Lane) events.MessageAccepted {
	return events.MessageAccepted{To: "+14155552671", Body: "hello", Lane: string(lane), Consent: "consent_1"}
}

func TestWorkGoesToItsLaneInFramesAndInOrder(t *testing.T) {
	w, bus := newWorld(t), &wire{}
	want := map[string][][]ports.Work{}
	for i, lane := range []domain.Lane{domain.Bulk, domain.High, domain.Bulk, domain.Normal, domain.High, domain.Bulk} {
		id := fmt.Sprint("msg_", i)
		w.record(id, text(lane))
		topic, item := ports.DispatchTopic(lane), ports.Work{MessageID: id, Attempt: 1}
		if frames := want[topic]; lane == domain.Bulk && len(frames) > 0 && len(frames[len(frames)-1]) < 2 {
			frames[len(frames)-1] = append(frames[len(frames)-1], item)
			continue
		}
		want[topic] = append(want[topic], []ports.Work{item})
	}
	feed := w.feed(0)
	if err := (&Relay{Store: w.store, Bus: bus, Topics: everyTopic, FrameSize: 2}).Handle(feed); err != nil {
		t.Fatal(err)
	}
	told := bus.sent[ports.TopicEvents]
	if len(told) != 1 || !slices.Equal(told[0].Payload, feed.Payload) {
		t.Errorf("%d frames of events were told; want the feed's own, byte for byte", len(told))
	}
	if diff := cmp.Diff(want, bus.take(t)); diff != "" {
		t.Errorf("work (-want +got):\n%s", diff)
	}
}

func TestWhatIsToBeSentWhen(t *testing.T) {
	later := time.Now().Add(time.Hour)
	claimed := events.MessageAttempted{Attempt: 1, Provider: "carrier"}
	retried := func(delay time.Duration) []events.Event {
		return []events.Event{text(domain.Bulk), claimed, events.MessageRetried{Attempt: 2, Delay: events.Duration(delay), DueAt: later}}
	}
	scheduled := text(domain.Normal)
	scheduled.SendAt = &later
	attempt := func(n int) [][]ports.Work { return [][]ports.Work{{{MessageID: "msg_1", Attempt: n}}} }
	for _, tt := range []struct {
		name  string
		log   []events.Event // of which the relay is told the last
		topic string         // empty: it waits in the store
		want  [][]ports.Work
	}{
		{"at once", []events.Event{text(domain.High)}, "sms.dispatch.high", attempt(1)},
		{"later: the scheduler's", []events.Event{scheduled}, "", nil},
		{"again at once, by another provider", retried(0), "sms.dispatch.bulk", attempt(2)},
		{"again after a delay of the first tier", retried(30 * time.Second), "sms.retry.30s", attempt(2)},
		{"again, the delay cut by jitter", retried(24 * time.Second), "sms.retry.30s", attempt(2)},
		{"again, between two tiers", retried(239 * time.Second), "sms.retry.30s", attempt(2)},
		{"again after a delay of the second tier", retried(240 * time.Second), "sms.retry.300s", attempt(2)},
		{"again, beyond every tier", retried(2 * time.Hour), "sms.retry.300s", attempt(2)},
		{"again, sooner than any tier: the scheduler's", retried(23 * time.Second), "", nil},
		{"redriven", []events.Event{
			text(domain.Bulk), claimed, events.MessageDeadLettered{Reason: domain.ReasonPermanent}, events.MessageRedriven{By: "ada"},
		}, "sms.dispatch.bulk", attempt(2)},
		{"an event that asks for nothing", []events.Event{text(domain.Normal), claimed}, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, bus := newWorld(t), &wire{}
			w.record("msg_1", tt.log...)
			relay := Relay{Store: w.store, Bus: bus, Topics: everyTopic, RetryTiers: []time.Duration{30 * time.Second, 5 * time.Minute}}
			if err := relay.Handle(w.feed(int64(len(tt.log) - 1))); err != nil {
				t.Fatal(err)
			}
			for topic, messages := range bus.sent {
				if lane := messages[0].Metadata.Get(ports.HeaderLane); topic != ports.TopicEvents && lane != tt.log[0].(events.MessageAccepted).Lane {
					t.Errorf("published to %s for lane %q", topic, lane)
				}
			}
			want := map[string][][]ports.Work{}
			if tt.topic != "" {
				want[tt.topic] = tt.want
			}
			if diff := cmp.Diff(want, bus.take(t)); diff != "" {
				t.Errorf("work (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARelayServesItsOwnTopicsOnly(t *testing.T) {
	w := newWorld(t)
	w.record("msg_1", text(domain.High))
	w.record("msg_2", text(domain.Bulk))
	for _, topic := range everyTopic[:4] {
		bus := &wire{}
		if err := (&Relay{Store: w.store, Bus: bus, Topics: []string{topic}}).Handle(w.feed(0)); err != nil {
			t.Fatal(err)
		}
		want := 1
		if topic == "sms.dispatch.normal" {
			want = 0
		}
		if len(bus.sent[topic]) != want || len(bus.sent) != want {
			t.Errorf("relay of %s published %v; want %d to its topic alone", topic, bus.sent, want)
		}
	}
}

func TestAPublishThatFailsFailsTheFrame(t *testing.T) {
	w := newWorld(t)
	w.record("msg_1", text(domain.High))
	gone := errors.New("broker is gone")
	for _, topic := range []string{ports.TopicEvents, "sms.dispatch.high"} {
		bus := &wire{refuse: map[string]error{topic: gone}}
		if err := (&Relay{Store: w.store, Bus: bus, Topics: everyTopic}).Handle(w.feed(0)); !errors.Is(err, gone) {
			t.Errorf("%s refused: Handle = %v, want its error, so that the frame comes again", topic, err)
		}
	}
}

func TestAFrameThatIsNotWholeIsNotRelayed(t *testing.T) {
	for _, payload := range []string{``, `{`, `{"first":1,"last":2,"events":[]}`, `{"to":"+14155552671"}`} {
		bus := &wire{}
		msg := message.NewMessage("feed", []byte(payload))
		if err := (&Relay{Bus: bus, Topics: everyTopic}).Handle(msg); err == nil || len(bus.sent) > 0 {
			t.Errorf("%q: %v, published %v", payload, err, bus.sent)
		}
	}
}
