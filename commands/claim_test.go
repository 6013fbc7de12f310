package commands

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// meddled is a store in which something happens just before the next append.
type meddled struct {
	ports.EventStore
	before func()
}

func (m *meddled) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	return m.EventStore.Append(ctx, writes...)
}

func TestAClaimIsDecidedAgainWhenItsGroundsMove(t *testing.T) {
	for _, tt := range []struct {
		name   string
		meddle func(w *world, id string)
		want   []string
	}{
		{"opted out meanwhile", func(w *world, _ string) {
			w.record(w.handler.Lookup.ConsentStream("acme", "+14155552671"), events.ConsentOptedOut{Number: "+14155552671", Source: "api"})
		}, []string{"message.accepted", "message.opted_out"}},
		{"opted out and in again meanwhile", func(w *world, _ string) {
			w.record(w.handler.Lookup.ConsentStream("acme", "+14155552671"), events.ConsentOptedOut{}, events.ConsentOptedIn{})
		}, []string{"message.accepted", "message.attempted", "message.dispatched"}},
		{"canceled meanwhile", func(w *world, id string) {
			w.record(id, events.MessageCanceled{By: "key:1"})
		}, []string{"message.accepted", "message.canceled"}},
		{"claimed by another meanwhile", func(w *world, id string) {
			w.record(id, events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		}, []string{"message.accepted", "message.attempted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			work := w.accept(1)
			w.dispatcher.Store = &meddled{w.sealer, func() { tt.meddle(w, work[0].MessageID) }}
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
				t.Fatal(err)
			}
			w.settled()
			w.expect(work[0].MessageID, tt.want...)
			if want := len(tt.want) - 2; w.carrier.sent() != want {
				t.Errorf("%d texts were sent", w.carrier.sent())
			}
		})
	}
}

func TestAFrameThatCannotBeReadIsCalledThatAndOneThatFailsComesAgain(t *testing.T) {
	w := newWorld(t)
	handle := w.dispatcher.Handler(domain.Normal)
	for _, payload := range []string{``, `{`, `{"work":[]}`} {
		if err := handle(message.NewMessage("x", []byte(payload))); !errors.Is(err, ports.ErrMalformed) {
			t.Errorf("%q: %v, want ErrMalformed", payload, err)
		}
	}
	work := w.accept(1)
	w.dispatcher.Store = &refusing{w.sealer}
	frame := []byte(`{"work":[{"m":"` + work[0].MessageID + `","a":1}]}`)
	if err := handle(message.NewMessage("x", frame)); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("without the store: %v, want ErrUnavailable", err)
	}
	w.dispatcher.Store = w.sealer
	if err := handle(message.NewMessage("x", frame)); err != nil {
		t.Error(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
}

// refusing is a store that is gone.
type refusing struct{ ports.EventStore }

func (refusing) LoadMany(context.Context, []string) (map[string][]events.Recorded, error) {
	return nil, ports.ErrUnavailable
}

func TestAFullFrameIsHandedBackAtShutdownAndWhatIsClaimedIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hang := make(chan struct{})
		w.carrier.answer = func(ports.Text) ports.Outcome {
			<-hang
			return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: "SM"}
		}
		work := w.accept(20) // of 16 slots, lane normal gets 14
		done := make(chan error, 1)
		go func() { done <- w.dispatcher.Dispatch(t.Context(), domain.Normal, work) }()
		synctest.Wait()
		w.dispatcher.Stop()
		if err := <-done; err == nil {
			t.Error("the frame is acked although not all of it is claimed")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.dispatcher.Close(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("Close with calls under way = %v, want Canceled", err)
		}
		close(hang)
		if err := w.dispatcher.Close(t.Context()); err != nil {
			t.Error(err)
		}
		claimed := 0
		for _, item := range work {
			claimed += len(w.types(item.MessageID)) / 3 // accepted, attempted, dispatched
		}
		if claimed != 14 || w.carrier.sent() != 14 {
			t.Errorf("%d are dispatched, %d were sent; want 14", claimed, w.carrier.sent())
		}
	})
}

// forgetful is a store that is gone after so many loads.
type forgetful struct {
	ports.EventStore
	left int
}

func (f *forgetful) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	if f.left--; f.left < 0 {
		return nil, ports.ErrUnavailable
	}
	return f.EventStore.LoadMany(ctx, ids)
}

func TestWhatIsClaimedIsSentThoughTheRestOfItsFrameFails(t *testing.T) {
	w := newWorld(t)
	work := w.accept(2)
	meddled := &meddled{w.sealer, func() { w.record(work[1].MessageID, events.MessageReceiptIgnored{Reason: "test"}) }}
	w.dispatcher.Store = &forgetful{meddled, 2} // messages and consents, once
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Dispatch = %v, want its error, so that the frame comes again", err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
	w.expect(work[1].MessageID, "message.accepted", "message.receipt_ignored")
}
