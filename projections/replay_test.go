package projections

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

func TestAReplayCountsItsItems(t *testing.T) {
	progressed := func(outcome, why string, ids ...string) events.ReplayProgressed {
		var p events.ReplayProgressed
		for _, id := range ids {
			p.Items = append(p.Items, events.ReplayItem{ID: id, Outcome: outcome, Why: why})
		}
		return p
	}
	log := []events.Event{
		events.ReplayRequested{By: "ada", Reason: "mended", Selected: 6, Rate: 5},
		events.ReplaySelected{IDs: []string{"msg_1", "msg_2", "msg_3", "msg_4", "msg_5", "msg_6"}},
		progressed("redriven", "", "msg_1", "msg_2", "msg_3"),
		progressed("skipped", "in_doubt", "msg_4"),
		progressed("sent", "", "msg_1"),
		events.ReplayPaused{By: "ada", Reason: "lunch"},
		progressed("failed", "", "msg_2"),
		progressed("skipped", "opted_out", "msg_3"),
	}
	want := Replay{
		ID: "replay_1", Tenant: "acme", Status: "paused", By: "ada", Reason: "mended", Rate: 5, Selected: 6,
		Redriven: 3, Sent: 1, Skipped: 2, Failed: 1, Ended: 3,
		Changed: &Change{By: "ada", Reason: "lunch", At: minute(6)}, CreatedAt: minute(1), UpdatedAt: minute(8), Version: 8,
	}
	got := Of[Replay](recorded("replay_1", log...))
	if diff := cmp.Diff(want, got); diff != "" || got.Pending() != 2 {
		t.Errorf("%d pending, row (-want +got):\n%s", got.Pending(), diff)
	}
	for n, want := range map[int]any{2: "redrive", 5: "redrive", 6: "follow", 7: "follow", 8: nil} {
		if got := Of[Replay](recorded("replay_1", log[:n]...)).open(); got != want {
			t.Errorf("after %d events it is open for %v, want %v", n, got, want)
		}
	}
}
