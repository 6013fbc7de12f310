package systemtest

import (
	"net/http"
	"testing"
	"time"
)

func TestAThrottledTextIsTriedAgainAndArrives(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_RETRY_DELAYS=1s,2s")
			gateway := rig.start()
			// Number 16 is throttled twice and then taken on.
			var answer struct{ ID string }
			if status, err := gateway.call("POST", "/v1/messages", outgoing{To: "+15005550016", Body: "again"}, &answer); err != nil || status != http.StatusAccepted {
				t.Fatalf("sending: %d, %v", status, err)
			}
			eventually(t, 30*time.Second, "delivered", func() bool { return gateway.statusOf(answer.ID) == "delivered" })
			gateway.expectTypes(answer.ID,
				"message.accepted",
				"message.attempted", "message.failed", "message.retried",
				"message.attempted", "message.failed", "message.retried",
				"message.attempted", "message.dispatched", "message.delivered")
			if n := rig.accepted()[answer.ID]; n != 1 {
				t.Errorf("the provider took it on %d times", n)
			}
			gateway.stop()
		})
	}
}

func TestATextForLaterWaitsForItsTimeOverARestartAndCanBeCanceled(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	first := rig.start()
	send := func(body string) string {
		var answer struct{ ID, Status string }
		request := map[string]any{"to": "+14155552671", "body": body, "send_at": time.Now().Add(3 * time.Second).Format(time.RFC3339Nano)}
		if status, err := first.call("POST", "/v1/messages", request, &answer); err != nil || status != http.StatusAccepted || answer.Status != "scheduled" {
			t.Fatalf("scheduling: %d, %q, %v", status, answer.Status, err)
		}
		return answer.ID
	}
	later, canceled := send("later"), send("canceled")
	if status, err := first.call("POST", "/v1/messages/"+canceled+"/cancel", nil, nil); err != nil || status != http.StatusOK {
		t.Fatalf("canceling: %d, %v", status, err)
	}
	if n := len(rig.accepted()); n != 0 {
		t.Errorf("%d texts were sent before their time", n)
	}
	first.stop()
	second := rig.start()
	eventually(t, 20*time.Second, "delivered", func() bool { return second.statusOf(later) == "delivered" })
	timeline := second.timeline(later)
	if early := timeline[1].RecordedAt.Sub(timeline[0].RecordedAt); early < 2900*time.Millisecond {
		t.Errorf("claimed %s after it was accepted for 3 s later", early)
	}
	if status := second.statusOf(canceled); status != "canceled" {
		t.Errorf("the canceled text is %q", status)
	}
	if status, err := second.call("POST", "/v1/messages/"+later+"/cancel", nil, nil); err != nil || status != http.StatusConflict {
		t.Errorf("canceling what was sent: %d, %v; want 409", status, err)
	}
	second.stop()
}

func TestTextsOfATestKeyOnlyEverReachTheSandbox(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	live := rig.key
	gateway := rig.start()
	var key struct{ Key string }
	if status, err := gateway.call("POST", "/v1/keys", map[string]any{"scopes": []string{"messages:write", "messages:read"}, "test": true}, &key); err != nil || status != http.StatusCreated {
		t.Fatalf("creating a test key: %d, %v", status, err)
	}
	rig.key = key.Key
	var answer struct{ ID string }
	if status, err := gateway.call("POST", "/v1/messages", outgoing{To: "+14155552671", Body: "test"}, &answer); err != nil || status != http.StatusAccepted {
		t.Fatalf("sending: %d, %v", status, err)
	}
	eventually(t, 20*time.Second, "delivered", func() bool { return gateway.statusOf(answer.ID) == "delivered" })
	if n := len(rig.accepted()); n != 0 {
		t.Errorf("the live provider took %d texts on", n)
	}
	rig.key = live
	gateway.stop()
}
