package systemtest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func TestTwilioKeepsNoTextOnceItHasEndedNorOneWithoutAReceipt(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_TWILIO_REDACT=body", "PROSMS_TWILIO_REDACT_AFTER=1s", "PROSMS_TWILIO_REDACT_UNANSWERED=3s", "PROSMS_RECEIPT_DELAYS=1s")
			const silent = "+14155550199"
			if err := rig.provider.Script(
				sandbox.Fault{To: silent, Callbacks: &sandbox.Callbacks{Steps: []sandbox.Step{{Status: "sent"}}}}); err != nil {
				t.Fatal(err)
			}
			gateway := rig.start()
			send := func(to string) string {
				t.Helper()
				var sent struct{ ID string }
				if code, err := gateway.call("POST", "/v1/messages", outgoing{To: to, Body: "secret"}, &sent); err != nil || code != http.StatusAccepted {
					t.Fatalf("sending: %d, %v", code, err)
				}
				return sent.ID
			}
			statuses := map[string]string{send(sandbox.ToDelivered): "delivered", send(sandbox.ToUndelivered): "undelivered", send(silent): "dispatched"}
			eventually(t, 30*time.Second, "redacted, all of them", func() bool {
				ledger := rig.ledger()
				return len(ledger) == 3 && !slices.ContainsFunc(ledger, func(m sandbox.Message) bool { return m.Body != "" })
			})
			for id, want := range statuses {
				eventually(t, 10*time.Second, "an event that proves it", func() bool {
					timeline := gateway.timeline(id)
					return timeline[len(timeline)-1].Type == "message.redacted"
				})
				if got := gateway.statusOf(id); got != want {
					t.Errorf("%s is %s, want %s", id, got, want)
				}
			}
			if len(statuses) != 3 || !slices.ContainsFunc(rig.ledger(), func(m sandbox.Message) bool { return m.To == silent && m.Status == "sent" }) {
				t.Error("the silent text did not stay sent")
			}
			gateway.stop()
		})
	}
}
