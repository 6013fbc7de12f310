package commands

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
)

func TestBodiesAreErasedWhenTheirDayIsOverAndNothingMayBeSentAnyMore(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	w := newWorld(t)
	w.sealer.Now, w.handler.Now = clock, clock
	send := func(request Send) string {
		t.Helper()
		request.To, request.Body = "+14155552671", "text"
		sent, err := w.handler.Send(t.Context(), caller, request)
		if err != nil {
			t.Fatal(err)
		}
		return sent.ID
	}
	old, later := send(Send{}), send(Send{SendAt: "2026-11-27T12:00:00Z"})
	open := map[string]bool{}
	e := &Eraser{Sealer: w.sealer, Retention: 24 * time.Hour, Now: clock, Log: w.dispatcher.Log,
		Open: func(context.Context, time.Time) (map[string]bool, error) { return open, nil }}
	read := func(id, body string) {
		t.Helper()
		for _, store := range []*Sealer{w.sealer, {EventStore: w.store, Keyring: w.store.Keyring(), Lookup: w.sealer.Lookup}} {
			wantText(t, store, id, "+14155552671", "", body)
		}
	}
	round := func(at time.Time) {
		t.Helper()
		now = at
		if err := e.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	round(time.Date(2026, 11, 26, 23, 59, 0, 0, time.UTC))
	read(old, "text")
	open["2026-11-25"] = true
	round(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
	read(old, "text") // it waits
	clear(open)
	round(now)
	read(old, events.Erased)
	read(later, "text")
	round(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC))
	read(later, events.Erased)
}

func TestNothingIsErasedWhileItIsNotKnownWhatMayBeSent(t *testing.T) {
	store := &memory.EventStore{}
	h := instance(store)
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	unknown := errors.New("unknown")
	e := &Eraser{Sealer: h.Sealer, Retention: 24 * time.Hour, Now: func() time.Time { return time.Now().Add(100 * time.Hour) },
		Open: func(context.Context, time.Time) (map[string]bool, error) { return nil, unknown }}
	if err := e.Round(t.Context()); !errors.Is(err, unknown) {
		t.Errorf("Round = %v", err)
	}
	wantText(t, instance(store).Store, sent.ID, "+14155552671", "", "text")
}
