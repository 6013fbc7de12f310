package systemtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

func TestDeliveriesAreSeenAndPostedAgainFromTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var status atomic.Int32
			status.Store(http.StatusInternalServerError)
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
			t.Cleanup(receiver.Close)
			r := newRig(t, full, "PROSMS_WEBHOOK_ALLOW_PRIVATE=true", "PROSMS_WEBHOOK_RETRY_DELAYS=1s")
			gateway := r.start()
			var made struct{ ID string }
			hook := map[string]any{"url": receiver.URL + "/hook?token=zzz", "types": []string{"message.delivered"}}
			if code, err := gateway.call("POST", "/v1/webhooks", hook, &made); err != nil || code != http.StatusCreated {
				t.Fatal(code, err)
			}
			ids := []string{gateway.send("+14155550131", "one"), gateway.send("+14155550132", "two")}
			type row struct {
				ID, Message, Status, Reason string
				Replays                     int
			}
			list := func(args ...string) (rows []row) {
				if err := json.Unmarshal([]byte(r.command(append([]string{"webhooks", "list", "--json"}, args...)...)), &rows); err != nil {
					t.Fatal(err)
				}
				return rows
			}
			eventually(t, 30*time.Second, "given up", func() bool { return len(list("--status", "dead")) == 2 })

			if shown := r.command("webhooks", "endpoints"); !strings.Contains(shown, made.ID) || strings.Contains(shown, "zzz") {
				t.Errorf("endpoints:\n%s", shown)
			}
			var endpoints []struct {
				Failing *time.Time `json:"failing_since"`
			}
			if err := json.Unmarshal([]byte(r.command("webhooks", "endpoints", "--json")), &endpoints); err != nil || len(endpoints) != 1 || endpoints[0].Failing == nil {
				t.Errorf("it does not say since when the endpoint fails: %+v, %v", endpoints, err)
			}
			dead := list("--message", ids[0], "--endpoint", made.ID)
			if len(dead) != 1 || dead[0].Message != ids[0] || dead[0].Reason != "exhausted" {
				t.Fatalf("of the first text: %+v", dead)
			}
			if shown := r.command("webhooks", "show", dead[0].ID); !strings.Contains(shown, "is dead: exhausted; 2 attempts") || !strings.Contains(shown, "http_500") {
				t.Errorf("shown as\n%s", shown)
			}
			replay := []string{"webhooks", "replay", "--reason", "mended", dead[0].ID}
			if !full {
				if _, err := r.attempt(replay...); err == nil || !strings.Contains(err.Error(), "a gateway is probably running") {
					t.Errorf("beside a gateway: %v", err)
				}
				gateway.stop()
			}
			status.Store(http.StatusNoContent)
			for _, wrong := range [][]string{
				{"webhooks", "replay", dead[0].ID}, {"webhooks", "replay", "--reason", " ", dead[0].ID}, {"webhooks", "replay", "--reason", "x", "whd_0"},
				{"webhooks", "show", "whd_0"}, {"webhooks", "list", "--status", "lost"}, {"webhooks", "list", "--limit", "0"},
			} {
				if said, err := r.attempt(wrong...); err == nil {
					t.Errorf("%v: %s", wrong, said)
				}
			}
			if said := r.command(replay...); !strings.Contains(said, dead[0].ID+" is queued") {
				t.Errorf("said %s", said)
			}
			if !full {
				if said := r.command(replay...); !strings.Contains(said, "waits to be posted anyway") {
					t.Errorf("and again: %s", said)
				}
				gateway = r.start()
			}
			eventually(t, 30*time.Second, "delivered", func() bool {
				return slices.Equal(list("--status", "delivered"), []row{{dead[0].ID, ids[0], "delivered", "", 1}})
			})
			if left := list("--status", "dead"); len(left) != 1 || left[0].Message != ids[1] {
				t.Errorf("still dead: %+v", left)
			}
			log, _ := gateway.log("0")
			if !slices.ContainsFunc(log, func(e events.Recorded) bool { return e.Type == "webhook.replayed" && e.StreamID == dead[0].ID }) {
				t.Error("the log does not say that it was replayed")
			}
		})
	}
}
