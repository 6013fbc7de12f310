package projections

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// anything is what can be recorded about a message; reducers take it in any order.
var anything = []events.Event{
	acceptedNow, attempted, events.MessageAttempted{Attempt: 2, Provider: "other"}, failed, retried, inDoubt, sent,
	events.MessageReconciled{Attempt: 1, Outcome: "sent", ProviderMessageID: "SM1"}, events.MessageReconciled{Attempt: 2, Outcome: "not_sent"},
	events.MessageDeferred{Until: sendAt}, events.MessageDeadLettered{Reason: "exhausted"}, events.MessageRedriven{By: "ada"},
	events.MessageDiscarded{By: "ada", Reason: "obsolete"},
	events.MessageOptedOut{Source: "consent"}, events.MessageDelivered{}, events.MessageUndelivered{ErrorCode: "30003"},
	events.MessageCanceled{}, events.MessageExpired{}, events.MessageReceiptIgnored{},
}

// aboutReplays is the same of a replay.
var aboutReplays = []events.Event{
	events.ReplayRequested{By: "ada", Selected: 2, Rate: 1}, events.ReplaySelected{IDs: []string{"msg_1", "msg_2"}},
	events.ReplayProgressed{Items: []events.ReplayItem{{ID: "msg_1", Outcome: "redriven"}, {ID: "msg_2", Outcome: "skipped", Why: "in_doubt"}}},
	events.ReplayProgressed{Items: []events.ReplayItem{{ID: "msg_1", Outcome: "failed"}}},
	events.ReplayPaused{By: "replayer", Reason: "failures"}, events.ReplayResumed{By: "ada"}, events.ReplayCanceled{By: "ada"}, events.ReplayCompleted{Failed: 1},
}

// However the bus loses, repeats, reorders and cuts frames, and whichever runner
// gets them, the views are at any time the fold of the log up to their
// checkpoints (laws 11 and 12 of the design).
func TestAnyDeliveryGivesTheRowsThatTheLogGives(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse()
		runners := []*Runner{h.runner, h.newRunner(h.views)}
		runners[0].mostRecent = rapid.IntRange(1, 3).Draw(r, "recent rows")
		runners[1].FrameSize = rapid.IntRange(1, 20).Draw(r, "frame size")
		var head int64
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			runner := rapid.SampledFrom(runners).Draw(r, "runner")
			switch step := rapid.SampledFrom([]string{"append", "append", "frame", "frame", "frame", "garbage"}).Draw(r, "step"); {
			case step == "append" || head == 0:
				head += int64(h.grow(r))
			case step == "frame":
				first := rapid.Int64Range(1, head).Draw(r, "first")
				last := rapid.Int64Range(first, head).Draw(r, "last")
				if err := runner.Handle(h.frame(r, first, last)); err != nil {
					r.Fatal(err)
				}
				if checkpoint, err := h.views.Checkpoint(context.Background(), "messages"); checkpoint < last || err != nil {
					r.Fatalf("frame %d to %d is done and the view is at %d, %v", first, last, checkpoint, err)
				}
			default:
				if err := runner.Handle(message.NewMessage("x", []byte("{"))); !errors.Is(err, ports.ErrMalformed) {
					r.Fatal(err)
				}
			}
			h.settled(r)
		}
		if err := h.runner.CatchUp(context.Background()); err != nil {
			r.Fatal(err)
		}
		h.expect(r, head)
	})
}

// grow adds some events to the log and returns how many.
func (h *house) grow(r *rapid.T) int {
	n := rapid.IntRange(1, 8).Draw(r, "events")
	for range n {
		id := fmt.Sprint("msg_", rapid.IntRange(1, 3).Draw(r, "message"))
		e := rapid.SampledFrom(anything).Draw(r, "event")
		if rapid.IntRange(0, 4).Draw(r, "about a key") == 0 {
			id, e = "key_1", rapid.SampledFrom([]events.Event{events.KeyIssued{Tenant: "acme"}, events.KeyRevoked{}}).Draw(r, "key event")
		}
		if rapid.IntRange(0, 4).Draw(r, "about a replay") == 0 {
			id, e = "replay_1", rapid.SampledFrom(aboutReplays).Draw(r, "replay event")
		}
		h.append(r, id, e)
	}
	return n
}

// settled checks the views against the log at their own checkpoint, which all
// projections share between two frames.
func (h *house) settled(r *rapid.T) {
	r.Helper()
	checkpoint, err := h.views.Checkpoint(context.Background(), "messages")
	if err != nil {
		r.Fatal(err)
	}
	h.expect(r, checkpoint)
}
