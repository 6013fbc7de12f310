package commands

import (
	"errors"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

var corrected = Replace{To: "+14155552672", Body: "Hello again", Reason: "wrong number"}

func TestADeadLetterAndItsReplacementNameEachOther(t *testing.T) {
	w := newWorld(t)
	first := text(domain.Normal)
	first.Lane, first.Reference, first.Test = "high", "order-1", true
	w.record("msg_1", first, events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered)
	sent, err := w.handler.Replace(t.Context(), Caller{Actor: "operator:ada"}, "msg_1", corrected)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := w.handler.Store.LoadMany(t.Context(), []string{"msg_1", sent.ID})
	if err != nil {
		t.Fatal(err)
	}
	old, replacement := recorded["msg_1"], recorded[sent.ID]
	if gone := old[4].Data.(events.MessageDiscarded); gone.ReplacedBy != sent.ID || gone.By != "operator:ada" || gone.Reason != "wrong number" {
		t.Errorf("the old one says %+v", gone)
	}
	meta := replacement[0].Meta
	if meta.CausationID != "msg_1:4" || meta.Actor != "operator:ada" || meta.Reason != "wrong number" || meta.Tenant != old[0].Meta.Tenant {
		t.Errorf("the new one says %+v", meta)
	}
	if got := replacement[0].Data.(events.MessageAccepted); got.Lane != "high" || got.Reference != "order-1" || !got.Test || got.Body != "Hello again" {
		t.Errorf("lane %s, reference %s, test %v", got.Lane, got.Reference, got.Test)
	}
	if _, err := w.handler.Replace(t.Context(), caller, "msg_1", corrected); !errors.Is(err, domain.ErrDiscarded) {
		t.Errorf("twice: %v", err)
	}
}

func TestOfReplacementsAtOnceOneIsMade(t *testing.T) {
	w := newWorld(t)
	w.record("msg_1", text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered)
	var made, refused int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := w.handler.Replace(t.Context(), caller, "msg_1", corrected)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errors.Is(err, domain.ErrDiscarded):
				refused++
			}
		})
	}
	group.Wait()
	head, err := w.store.Head(t.Context())
	if err != nil || made != 1 || refused != 7 || head.LastPosition != 6 {
		t.Errorf("%d made, %d refused, head %d, %v", made, refused, head.LastPosition, err)
	}
}

func TestAReplacementThatCannotBeMadeIsRefused(t *testing.T) {
	w := newWorld(t)
	w.record("msg_dead", text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered)
	w.record("msg_doubt", append(doubtful[:3:3], heldInDoubt)...)
	w.record("msg_fresh", text(domain.Normal))
	for id, want := range map[string]error{"msg_doubt": domain.ErrInDoubt, "msg_fresh": domain.ErrNotDeadLettered, "msg_none": domain.ErrNotFound} {
		if _, err := w.handler.Replace(t.Context(), caller, id, corrected); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
	var invalid Invalid
	for name, request := range map[string]Replace{
		"no reason": {To: corrected.To, Body: "x"}, "no number": {To: "zzz", Body: "x", Reason: "x"}, "no body": {To: corrected.To, Reason: "x"},
	} {
		if _, err := w.handler.Replace(t.Context(), caller, "msg_dead", request); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ticked := corrected
	ticked.IncludeInDoubt = true
	if _, err := w.handler.Replace(t.Context(), caller, "msg_doubt", ticked); err != nil {
		t.Errorf("with the tick: %v", err)
	}
}
