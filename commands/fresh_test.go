package commands

import (
	"context"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// reads is a store that counts the messages that are read of it.
type reads struct {
	ports.EventStore
	messages int
}

func (r *reads) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	for _, id := range ids {
		if strings.HasPrefix(id, messagePrefix) {
			r.messages++
		}
	}
	return r.EventStore.LoadMany(ctx, ids)
}

// fresh has what is accepted held for the dispatcher, up to limit texts.
func (w *world) fresh(limit int) *reads {
	w.handler.Fresh = NewFresh(limit)
	store := &reads{EventStore: w.dispatcher.Store}
	w.dispatcher.Fresh, w.dispatcher.Store = w.handler.Fresh, store
	return store
}

func (w *world) carry(work ...ports.Work) {
	w.t.Helper()
	if err := w.dispatcher.Dispatch(w.t.Context(), domain.Normal, work); err != nil {
		w.t.Fatal(err)
	}
	w.settled()
}

func TestWhatWasAcceptedHereIsClaimedWithoutReadingIt(t *testing.T) {
	w := newWorld(t)
	store := w.fresh(2)
	work := w.accept(3) // the first is held no longer
	w.carry(append(work, work[1:]...)...)
	if store.messages != 1 {
		t.Errorf("%d messages were read, want 1", store.messages)
	}
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.attempted", "message.dispatched")
	}
	w.carry(work...) // once more: they have been sent
	if store.messages != 4 || w.carrier.sent() != 3 {
		t.Errorf("%d messages were read and %d sent, want 4 and 3", store.messages, w.carrier.sent())
	}
}

func TestWhatHasMovedSinceItWasAcceptedHereIsReadAndDecidedAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		meddle func(w *world, id string)
		want   []string
	}{
		{"canceled", func(w *world, id string) { w.record(id, events.MessageCanceled{By: "key:1"}) }, []string{"message.accepted", "message.canceled"}},
		{"claimed by another", func(w *world, id string) {
			w.record(id, events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		}, []string{"message.accepted", "message.attempted"}},
		{"opted out", func(w *world, _ string) {
			w.record(w.handler.Lookup.ConsentStream("acme", "+14155552671"), events.ConsentOptedOut{Number: "+14155552671", Source: "api"})
		}, []string{"message.accepted", "message.opted_out"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.fresh(10)
			work := w.accept(1)
			tt.meddle(w, work[0].MessageID)
			w.carry(work...)
			w.expect(work[0].MessageID, tt.want...)
			if w.carrier.sent() != 0 {
				t.Error("it was sent")
			}
		})
	}
}

// In a cluster another instance may have claimed the first attempt, and in one process
// the claim may be quicker than the answer to who sent the text.
func TestARetryIsClaimedAlthoughItsTextIsHeldAsItWasAccepted(t *testing.T) {
	w := newWorld(t)
	w.fresh(10)
	work := w.accept(1)
	w.record(work[0].MessageID, events.MessageAttempted{Attempt: 1, Provider: "carrier"},
		events.MessageFailed{Attempt: 1, Class: "not_sent"}, events.MessageRetried{Attempt: 2})
	w.carry(ports.Work{MessageID: work[0].MessageID, Attempt: 2})
	if w.carrier.sent() != 1 {
		t.Errorf("the retry was dropped: %v", w.types(work[0].MessageID))
	}
}
