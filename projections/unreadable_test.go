package projections

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestAnEventThatCannotBeReadStopsTheViewsThatItIsPartOf(t *testing.T) {
	h := newHouse()
	h.runner.Projections = []Projection{Messages(), Keys(), OptOuts(), InboundTexts(), Contacts(func(number events.Personal) string { return string(number) }), DeadLetters()}
	h.append(t, "msg_1", events.MessageAccepted{To: "+14155552671", Body: "one", Consent: "consent_1"})
	h.append(t, "consent_1", events.ConsentOptedOut{Number: "+14155552671"})
	h.append(t, "msg_1", events.MessageCanceled{By: "test"})
	spoiled := &porttest.Spoiled{EventStore: h.runner.Store}
	h.runner.Store = spoiled
	for position, want := range map[int64][]string{1: {"contacts", "messages"}, 2: {"opt_outs"}, 3: {"messages"}} {
		for _, p := range h.runner.Projections {
			if err := h.views.Advance(t.Context(), p.key(), func(ports.ViewTx, int64) (int64, error) { return 0, nil }); err != nil {
				t.Fatal(err)
			}
		}
		spoiled.Spoil(position)
		err := h.runner.CatchUp(t.Context())
		var stop Unappliable
		if !errors.As(err, &stop) || stop.Position != position || !errors.Is(err, events.ErrUnreadable) {
			t.Fatalf("position %d: %v", position, err)
		}
		stopped := h.runner.Stopped()
		if got := slices.Sorted(maps.Keys(stopped)); !slices.Equal(got, want) {
			t.Errorf("position %d stops %v, want %v", position, got, want)
		}
		for _, p := range h.runner.Projections {
			at := int64(3)
			if slices.Contains(want, p.Name) {
				at = position - 1
			}
			if got := h.at(t, p.Name); got != at {
				t.Errorf("position %d: %s stands at %d, want %d", position, p.Name, got, at)
			}
		}
		spoiled.Spoil()
		if err := h.runner.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheLogIsShownAroundWhatCannotBeRead(t *testing.T) {
	h := newHouse()
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		h.append(t, id, events.MessageAccepted{To: "+14155552671", Body: "one"})
	}
	spoiled := &porttest.Spoiled{EventStore: h.runner.Store}
	spoiled.Spoil(2)
	q := Queries{Store: spoiled, Views: h.views}
	page, err := q.log(t.Context(), 0, 10, func(events.Recorded) bool { return true })
	if err != nil || len(page.Events) != 3 || page.Seen != 3 {
		t.Fatalf("%d events up to %d, %v", len(page.Events), page.Seen, err)
	}
	if diff := cmp.Diff(json.RawMessage("null"), page.Events[1].RawData); diff != "" {
		t.Error(diff)
	}
	latest, err := Oversight{Queries: q}.Latest(t.Context(), EventFilter{Limit: 10}, 4)
	if err != nil || len(latest.Events) != 3 {
		t.Errorf("latest: %d events, %v", len(latest.Events), err)
	}
}
