package commands_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
)

func TestDeliveriesThatAreOverLeaveTheListInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.open()
		accepted := events.MessageAccepted{Lane: "normal", CallbackURL: "https://example.com/cb"}
		p.happen("msg_old", accepted, events.MessageAttempted{Attempt: 1}, events.MessageDispatched{Attempt: 1}, events.MessageDelivered{})
		p.happen("msg_open", accepted)
		p.happen("msg_dead", accepted, events.MessageDeadLettered{Reason: "permanent"})
		pass(time.Minute)
		of := func(message string) (n int) {
			for _, d := range p.deliveries(commands.DeliveryDelivered) {
				if d.Message == message {
					n++
				}
			}
			return n
		}
		before := map[string]int{"msg_old": of("msg_old"), "msg_open": of("msg_open"), "msg_dead": of("msg_dead")}
		if before["msg_old"] < 2 || before["msg_open"] != 1 {
			t.Fatalf("delivered: %v", before)
		}
		pruner := commands.Pruner{Store: p.store, Views: p.views, Keep: 24 * time.Hour, Page: 2, Log: slog.New(slog.DiscardHandler)}
		prune := func(want int) {
			t.Helper()
			if n, err := pruner.Prune(t.Context()); n != want || err != nil {
				t.Errorf("%d pruned, %v; want %d", n, err, want)
			}
		}
		pass(24*time.Hour - 2*time.Minute)
		prune(0)
		p.happen("msg_new", accepted, events.MessageCanceled{By: "x"})
		pass(4 * time.Minute)
		prune(before["msg_old"])
		for message, want := range map[string]int{"msg_old": 0, "msg_open": 1, "msg_dead": before["msg_dead"], "msg_new": of("msg_new")} {
			if got := of(message); got != want {
				t.Errorf("%d deliveries of %s are left, want %d", got, message, want)
			}
		}
		// The callbacks of an old message that goes on still find their way.
		p.happen("msg_open", events.MessageAttempted{Attempt: 1}, events.MessageDispatched{Attempt: 1}, events.MessageDelivered{})
		pass(time.Minute)
		if of("msg_open") < 2 {
			t.Error("the delivery of a message that was open for long is not told of")
		}
		p.shut()
	})
}
