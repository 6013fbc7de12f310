package commands_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestAnEventThatCannotBeReadHoldsItsOwnDeliveryAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.create()
		spoiled := &porttest.Spoiled{EventStore: p.store}
		p.announcer.Store, p.log = spoiled, spoiled
		spoiled.Spoil(3) // msg_2 accepted
		p.open()
		for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
			p.happen(id, accepted(""))
		}
		if recorded, err := spoiled.Load(t.Context(), "msg_2"); !errors.Is(err, events.ErrUnreadable) || recorded[0].Position != 3 {
			t.Fatal(recorded, err)
		}
		pass(time.Minute)
		if want, got := []string{"msg_1 1", "msg_3 1"}, slices.Sorted(slices.Values(p.receiver.took)); !slices.Equal(got, want) {
			t.Errorf("delivered %v, want %v", got, want)
		}
		held := p.deliveries(commands.DeliveryPending)
		if len(held) != 1 || held[0].Message != "msg_2" || held[0].Last == nil || held[0].Last.Fault != "unreadable" || held[0].Attempts > 3 {
			t.Fatalf("held: %+v", held)
		}
		spoiled.Spoil()
		pass(5 * time.Minute)
		p.shut()
		if got := p.receiver.took; len(got) != 3 || got[2] != "msg_2 1" {
			t.Errorf("mended, delivered %v, want msg_2 at last", got)
		}
	})
}

func TestEndpointsThatCannotBeReadHoldOneTenantsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.create()
		changed := "https://example.com/new"
		if _, err := p.webhooks.Change(t.Context(), acme, p.create(), commands.EndpointChange{URL: &changed}); err != nil {
			t.Fatal(err)
		}
		spoiled := &porttest.Spoiled{EventStore: p.store}
		p.announcer.Store, p.log = spoiled, spoiled
		spoiled.Spoil(3) // the change
		p.open()
		p.happen("msg_1", accepted(""))
		pass(time.Minute)
		if got := p.receiver.posted(); got != 0 {
			t.Errorf("%d posts to endpoints of which nobody knows where they are", got)
		}
		spoiled.Spoil()
		pass(5 * time.Minute)
		p.shut()
		if len(p.receiver.heard["https://example.com/new msg_1"]) != 1 || len(p.receiver.took) != 2 {
			t.Errorf("heard %v", p.receiver.heard)
		}
	})
}
