package domain_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestADeliveryIsReplayedAsOftenAsSomebodyAsks(t *testing.T) {
	replayed := events.WebhookReplayed{Delivery: "whd_1", ID: "wh_1", Message: "msg_1", Version: 2, By: "key:1"}
	var state domain.Delivery
	for i := range 2 {
		got, err := state.Decide(domain.ReplayDelivery{Replayed: replayed})
		if diff := cmp.Diff([]events.Event{replayed}, got); diff != "" || err != nil {
			t.Fatalf("replay %d: %v (-want +got):\n%s", i+1, err, diff)
		}
		state = state.Evolve(got[0]).Evolve(events.MessageCanceled{})
	}
	if state.Replays != 2 {
		t.Errorf("%d replays, want 2", state.Replays)
	}
	if _, err := state.Decide(domain.Cancel{}); !errors.Is(err, domain.ErrUnknownCommand) {
		t.Errorf("a command of something else: %v", err)
	}
}
