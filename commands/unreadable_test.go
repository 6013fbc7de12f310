package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// spoil puts a store with spoiled events beneath everything in w.
func (w *world) spoil() *porttest.Spoiled {
	spoiled := &porttest.Spoiled{EventStore: w.store}
	w.sealer.EventStore = spoiled
	return spoiled
}

// acceptFor accepts a text to each of n recipients.
func (w *world) acceptFor(n int) []ports.Work {
	w.t.Helper()
	work := make([]ports.Work, n)
	for i := range work {
		sent, err := w.handler.Send(w.t.Context(), caller, Send{To: fmt.Sprintf("+1415555267%d", i), Body: "text"})
		if err != nil {
			w.t.Fatal(err)
		}
		work[i] = ports.Work{MessageID: sent.ID, Attempt: 1}
	}
	return work
}

func TestATextThatCannotBeReadIsHeldAlone(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, *world, ports.Work) (mend func()){
		"its own event": func(_ *testing.T, w *world, work ports.Work) func() {
			s := w.spoil()
			s.Spoil(w.position(work.MessageID))
			return func() { s.Spoil() }
		},
		"its recipient's consent": func(t *testing.T, w *world, work ports.Work) func() {
			s := w.spoil()
			recorded, err := w.sealer.Load(t.Context(), work.MessageID)
			if err != nil {
				t.Fatal(err)
			}
			to := recorded[0].Data.(events.MessageAccepted).To
			for _, change := range []func(context.Context, Caller, events.Personal) error{w.handler.OptOut, w.handler.OptIn} {
				if err := change(t.Context(), caller, to); err != nil {
					t.Fatal(err)
				}
			}
			s.Spoil(w.position(w.handler.Lookup.ConsentStream("acme", to)))
			return func() { s.Spoil() }
		},
		"its recipient's key": func(t *testing.T, w *world, work ports.Work) func() {
			recorded, err := w.store.Load(t.Context(), work.MessageID)
			if err != nil {
				t.Fatal(err)
			}
			sealed, _ := recorded[0].Data.(events.MessageAccepted).To.Parts()
			return damage(t, w, subjectPrefix+sealed.Subject)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			work := w.acceptFor(3)
			mend := spoil(t, w, work[1])
			frame := make([]string, len(work))
			for i, one := range work {
				frame[i] = fmt.Sprintf(`{"m":%q,"a":1}`, one.MessageID)
			}
			msg := message.NewMessage("x", []byte(`{"work":[`+strings.Join(frame, ",")+`]}`))
			if err := w.dispatcher.Handler(domain.Normal)(msg); err != nil {
				t.Fatalf("the frame comes again: %v", err)
			}
			// Nor is it given up by whoever is handed it as poison.
			poison := &Poison{Store: w.sealer, Log: slog.New(slog.DiscardHandler), Dispatch: w.dispatcher.Dispatch}
			if err := poison.Handle(msg); err != nil {
				t.Fatal(err)
			}
			w.settled()
			sent := []string{"message.accepted", "message.attempted", "message.dispatched"}
			w.expect(work[0].MessageID, sent...)
			w.expect(work[1].MessageID, "message.accepted")
			w.expect(work[2].MessageID, sent...)

			mend()
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work[1:2]); err != nil {
				t.Fatal(err)
			}
			w.settled()
			w.expect(work[1].MessageID, sent...)
		})
	}
}

// position returns where a stream begins.
func (w *world) position(id string) int64 {
	w.t.Helper()
	recorded, err := w.store.Load(w.t.Context(), id)
	if err != nil || len(recorded) == 0 {
		w.t.Fatal(id, err)
	}
	return recorded[0].Position
}

func TestTheRelayPassesOverWhatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	work := w.accept(3)
	bad := w.position(work[1].MessageID)
	whole := string(w.feed(0).Payload)
	data := func() string {
		recorded, err := w.store.Read(t.Context(), bad-1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return string(recorded[0].RawData)
	}()
	spoiled := &porttest.Spoiled{EventStore: w.store}
	spoiled.Spoil(bad)
	for name, payload := range map[string]string{
		"a payload of another shape": strings.Replace(whole, data, `[]`, 1),
		"a payload that is no JSON":  strings.Replace(whole, data, `{"to":`, 1),
	} {
		bus := &wire{}
		relay := &Relay{Store: spoiled, Bus: bus, Topics: everyTopic}
		msg := message.NewMessage("x", []byte(payload))
		msg.SetContext(t.Context())
		if err := relay.Handle(msg); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if told := bus.sent[ports.TopicEvents]; len(told) != 1 {
			t.Errorf("%s: %d frames of events", name, len(told))
		}
		delete(bus.sent, ports.TopicEvents)
		got := bus.take(t)["sms.dispatch.normal"]
		if len(got) != 1 || len(got[0]) != 2 || got[0][0] != work[0] || got[0][1] != work[2] {
			t.Errorf("%s: work %v, want the first and the last of %v", name, got, work)
		}
	}
	// One whose lane only its stream tells.
	w.redrivable(t)
}

// redrivable has the relay look at a redriven text whose first event cannot be read.
func (w *world) redrivable(t *testing.T) {
	t.Helper()
	id := w.accept(1)[0].MessageID
	first := w.position(id)
	redriven := events.MessageRedriven{By: "ada", Reason: "mended"}
	results, err := w.store.Append(t.Context(), ports.Write{StreamID: id, Expected: 1, Events: []events.Event{redriven}, Meta: caller.meta()})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	spoiled := &porttest.Spoiled{EventStore: w.store}
	spoiled.Spoil(first)
	bus := &wire{}
	relay := &Relay{Store: spoiled, Bus: bus, Topics: everyTopic}
	if err := relay.Handle(w.feed(results[0].FirstPosition - 1)); err != nil {
		t.Fatal(err)
	}
	delete(bus.sent, ports.TopicEvents)
	if got := bus.take(t); len(got) != 0 {
		t.Errorf("work without a lane: %v", got)
	}
}

func TestTheSchedulerIssuesWhatStandsBesideWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		work := o.accept(3)
		o.catchUp()
		spoiled := &porttest.Spoiled{EventStore: o.store}
		o.scheduler.Store = spoiled
		spoiled.Spoil(o.position(work[1].MessageID))
		time.Sleep(time.Minute)
		got := o.issued()
		if len(got) != 2 || got[0] != work[0] || got[1] != work[2] {
			t.Errorf("issued %v, want the first and the last of %v", got, work)
		}
		spoiled.Spoil()
		if got := o.issued(); len(got) != 1 || got[0] != work[1] {
			t.Errorf("mended, it issued %v, want %v", got, work[1])
		}
	})
}

func TestWhatCannotBeReadIsToldOnceAndUntilItCan(t *testing.T) {
	w := newWorld(t)
	work := w.acceptFor(2)
	var logged bytes.Buffer
	found := &Unreadables{Log: slog.New(slog.NewTextHandler(&logged, nil))}
	spoiled := w.spoil()
	log, store := found.In(spoiled), found.In(w.sealer)
	position := w.position(work[1].MessageID)
	spoiled.Spoil(position)
	for range 2 {
		_, _ = log.Read(t.Context(), 0, 10)
		if _, err := store.Load(t.Context(), work[1].MessageID); !errors.Is(err, events.ErrUnreadable) {
			t.Fatal(err)
		}
		if _, err := store.LoadMany(t.Context(), []string{work[0].MessageID, work[1].MessageID}); !errors.Is(err, events.ErrUnreadable) {
			t.Fatal(err)
		}
	}
	if got := found.Found(); len(got) != 1 || got[0].Position != position || !errors.Is(found.Err(), events.ErrUnreadable) {
		t.Errorf("found %v, %v", got, found.Err())
	}
	if n := strings.Count(logged.String(), "cannot be read: what"); n != 1 {
		t.Errorf("told %d times:\n%s", n, logged.String())
	}
	if strings.Contains(logged.String(), "1415555") {
		t.Error("a number is logged")
	}
	spoiled.Spoil()
	_, _ = log.Read(t.Context(), 0, 10)
	if len(found.Found()) != 1 {
		t.Error("what can be read in the log may yet be unreadable in the store that unseals it")
	}
	_, _ = store.Load(t.Context(), work[1].MessageID)
	if err := found.Err(); err != nil || !strings.Contains(logged.String(), "can be read again") {
		t.Errorf("mended: %v\n%s", err, logged.String())
	}
}

// damage puts garbage in the place of a key, of which a new instance knows nothing.
func damage(t *testing.T, w *world, name string) (mend func()) {
	t.Helper()
	kept, err := w.store.Keyring().Get(t.Context(), name)
	if err != nil || kept[name] == nil {
		t.Fatal(name, err)
	}
	garbage := []byte("no key")
	replace := func(old, now []byte) {
		if err := w.store.Keyring().Replace(t.Context(), name, old, now); err != nil {
			t.Fatal(err)
		}
		w.sealer = &Sealer{EventStore: w.store, Keyring: w.store.Keyring(), Lookup: w.handler.Lookup}
		w.dispatcher.Store, w.handler.Store, w.handler.Sealer = w.sealer, w.sealer, w.sealer
	}
	replace(kept[name], garbage)
	return func() { replace(garbage, kept[name]) }
}

func TestADamagedKeyOfOneRecipientRefusesTheirItemOfABatchAlone(t *testing.T) {
	later := time.Now().Add(72 * time.Hour).UTC()
	batch := []Send{
		{To: "+14155552670", Body: "text", IdempotencyKey: "k#0"},
		{To: "+14155552671", Body: "text", IdempotencyKey: "k#1", SendAt: later.Format(time.RFC3339)},
		{To: "+14155552672", Body: "text", IdempotencyKey: "k#2"},
	}
	for name, key := range map[string]func(w *world) string{
		"their key": func(w *world) string {
			return subjectKey{id: w.handler.Lookup.Subject(caller.Tenant, "+14155552671")}.name()
		},
		"their day's": func(w *world) string { return dayPrefix + later.Format(dayFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			// All are known, so that each item is sealed under a key that is kept.
			for _, known := range batch {
				known.IdempotencyKey = ""
				if _, err := w.handler.Send(t.Context(), caller, known); err != nil {
					t.Fatal(err)
				}
			}
			mend := damage(t, w, key(w))
			results, err := w.handler.SendBatch(t.Context(), caller, batch)
			if err != nil {
				t.Fatal(err)
			}
			if results[0].Err != nil || !errors.Is(results[1].Err, events.ErrUnreadable) || results[2].Err != nil {
				t.Errorf("results %v, %v, %v; want the second alone refused", results[0].Err, results[1].Err, results[2].Err)
			}
			mend()
			again, err := w.handler.SendBatch(t.Context(), caller, batch)
			if err != nil || again[1].Err != nil || again[1].Sent.Replayed || !again[0].Sent.Replayed || again[2].Sent.ID != results[2].Sent.ID {
				t.Errorf("mended and repeated: %+v, %v", again, err)
			}
		})
	}
}
