package commands

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func forget(t *testing.T, h *Handler, number events.Personal) Forgotten {
	t.Helper()
	forgotten, err := h.Forget(t.Context(), caller, number)
	if err != nil || forgotten.At.IsZero() || forgotten.Subject == "" {
		t.Fatalf("Forget = %+v, %v", forgotten, err)
	}
	return forgotten
}

func TestWhoeverIsForgottenCannotBeReadAnyMore(t *testing.T) {
	w := newWorld(t)
	if err := w.handler.OptOut(t.Context(), caller, "+14155552671"); err != nil {
		t.Fatal(err)
	}
	sent, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", From: "Acme", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552672", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	first := forget(t, w.handler, "+14155552671")
	for _, h := range []*Handler{w.handler, instance(w.store)} {
		h.Store.(*Sealer).Master = Master{}
		wantText(t, h.Store, sent.ID, events.Erased, events.Erased, events.Erased)
		wantText(t, h.Store, other.ID, "+14155552672", "", "text")
		if out, err := h.OptedOut(t.Context(), caller.Tenant, "+14155552671"); err != nil || !out {
			t.Errorf("opted out: %t, %v", out, err)
		}
	}
	if again := forget(t, w.handler, "+14155552671"); again != first {
		t.Errorf("forgotten again: %+v, want %+v", again, first)
	}
	// What comes afterwards is a new beginning, and is forgotten in its turn.
	anew, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: "anew"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, w.handler.Store, anew.ID, "+14155552671", "", "anew")
	if again := forget(t, w.handler, "+14155552671"); again == first {
		t.Error("what came since was not forgotten")
	}
	wantText(t, w.handler.Store, anew.ID, events.Erased, "", events.Erased)
	if keys, err := w.store.Keyring().Names(t.Context(), forgetPrefix, "", 10); err != nil || len(keys) > 0 {
		t.Errorf("left to do: %q, %v", keys, err)
	}
}

func TestAnUnknownNumberCanBeForgotten(t *testing.T) {
	w := newWorld(t)
	if first := forget(t, w.handler, "+14155552671"); forget(t, w.handler, "+14155552671") != first {
		t.Error("the second time is not the first")
	}
	sent, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, instance(w.store).Store, sent.ID, "+14155552671", "", "text")
}

func TestATextThatRacesWithAForgettingIsSealedAnew(t *testing.T) {
	w := newWorld(t)
	w.accept(1)                          // so that the key is in memory
	elsewhere := instance(w.store)       // where it is forgotten
	elsewhere.Sealer.Master = Master{}   //
	forget(t, elsewhere, "+14155552671") //
	work := w.accept(1)                  // refused under the key that is gone
	wantText(t, w.sealer, work[0].MessageID, "+14155552671", "", "text 0")
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
}

func TestTextsAndForgettingsAtOnceLoseNothing(t *testing.T) {
	w := newWorld(t)
	handlers := []*Handler{w.handler, instance(w.store), instance(w.store)}
	for _, h := range handlers {
		h.Sealer.Master = Master{}
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]string{}
	for n, h := range handlers {
		all.Go(func() {
			for i := range 100 {
				body := fmt.Sprint(n, " ", i)
				s, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: body})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent[s.ID] = body
				mu.Unlock()
			}
		})
		all.Go(func() {
			for range 5 {
				if _, err := h.Forget(t.Context(), caller, "+14155552671"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(sent) != 300 {
		t.Fatalf("%d texts", len(sent))
	}
	forgotten, err := w.store.Load(t.Context(), subjectStream(w.handler.Lookup.Subject(caller.Tenant, "+14155552671")))
	if err != nil {
		t.Fatal(err)
	}
	last := forgotten[len(forgotten)-1].Position
	reader := instance(w.store)
	reader.Sealer.Master = Master{}
	for id, body := range sent {
		recorded, err := reader.Store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		text := recorded[0].Data.(events.MessageAccepted)
		if before := recorded[0].Position < last; before != recorded[0].Erased || !before && string(text.Body) != body {
			t.Errorf("position %d, forgotten at %d: erased %t, body %q, want %q", recorded[0].Position, last, recorded[0].Erased, string(text.Body), body)
		}
	}
}

func TestWhatWaitsForAForgottenRecipientIsGivenUpAndNeverSent(t *testing.T) {
	w := newWorld(t)
	work := w.accept(3)
	literal, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552672", Body: events.Erased})
	if err != nil {
		t.Fatal(err)
	}
	// Another instance still has the key in memory; the log tells it all the same.
	elsewhere := instance(w.store)
	elsewhere.Sealer.Master = Master{}
	forget(t, elsewhere, "+14155552671")
	if _, err := w.handler.Store.Load(t.Context(), work[0].MessageID); err != nil {
		t.Fatal(err)
	}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, append(work, ports.Work{MessageID: literal.ID, Attempt: 1})); err != nil {
		t.Fatal(err)
	}
	w.settled()
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.dead_lettered")
	}
	w.expect(literal.ID, "message.accepted", "message.attempted", "message.dispatched") // a text that only says so
	if w.carrier.sent() != 1 {
		t.Errorf("%d texts were sent, want 1", w.carrier.sent())
	}
	recorded, err := w.store.Load(t.Context(), work[0].MessageID)
	if err != nil || recorded[1].Data.(events.MessageDeadLettered).Reason != domain.ReasonErased {
		t.Errorf("given up: %+v, %v", recorded[1].Data, err)
	}
}

func TestAForgettingThatComesBetweenLoadingAndClaimingWins(t *testing.T) {
	w := newWorld(t)
	work := w.accept(2)
	elsewhere := instance(w.store)
	elsewhere.Sealer.Master = Master{}
	w.dispatcher.Store = &meddled{w.sealer, func() { forget(t, elsewhere, "+14155552671") }}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.dead_lettered")
	}
}

func TestKeysThatACrashLeftBehindAForgettingAreDestroyedLater(t *testing.T) {
	store := &memory.EventStore{}
	h := instance(store)
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	// As forget leaves it when it is killed in between.
	id := h.Lookup.Subject(caller.Tenant, "+14155552671")
	results, err := store.Append(t.Context(), ports.Write{
		StreamID: subjectStream(id), Events: []events.Event{events.SubjectForgotten{Subject: id, By: "test"}},
		Keys: []ports.Key{{Name: forgetPrefix + id + "/0", Key: []byte{keptNote}}},
	})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	for want := range 2 {
		if n, err := h.Sealer.CompleteForgetting(t.Context()); err != nil || n != 1-want {
			t.Errorf("CompleteForgetting = %d, %v; want %d", n, err, 1-want)
		}
	}
	wantText(t, h.Store, sent.ID, events.Erased, "", events.Erased)
	names, err := store.Keyring().Names(t.Context(), "", "", 10)
	if err != nil || len(names) != 1 || !strings.HasPrefix(names[0], dayPrefix) {
		t.Errorf("kept: %q, %v; want the day's key alone", names, err)
	}
}

func TestADoubtAboutAForgottenRecipientIsHeldWithoutALookUp(t *testing.T) {
	w := newWorld(t)
	w.carrier.answer = func(ports.Text) ports.Outcome { return ports.Outcome{Class: domain.ClassInDoubt, Cause: "timeout"} }
	work := w.accept(1)
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	forget(t, w.handler, "+14155552671")
	r := &Reconciler{
		Store: w.sealer, Providers: w.dispatcher.Providers, Log: w.dispatcher.Log,
		Delays: func(domain.Lane) []time.Duration { return []time.Duration{time.Second} },
		Resend: func(domain.Lane, bool) bool { return true },
	}
	if err := r.Reconcile(t.Context(), []string{work[0].MessageID}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.in_doubt", "message.reconciled", "message.dead_lettered")
}
