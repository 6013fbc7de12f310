package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestAMessageThatCannotBeReadIsSaidToBeHeld(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text(), "Idempotency-Key: k")
	first := w.head()
	w.happen(id, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageDeadLettered{Reason: "permanent"})
	spoiled := &porttest.Spoiled{EventStore: w.store.EventStore}
	w.store.EventStore = spoiled
	strangers := map[string]string{
		"another tenant": "Authorization: Bearer " + w.newKey("rival", domain.ScopeAdmin),
		"a test key":     "Authorization: Bearer " + w.newTestKey("acme"),
	}
	for name, position := range map[string]int64{"its first event": first, "its last event": first + 2} {
		spoiled.Spoil(position)
		for _, path := range []string{"/v1/messages/" + id, "/v1/messages/" + id + "?as_of=1000", "/v1/messages/" + id + "/events", "/v1/dead-letters/" + id} {
			a := w.do("GET", path, "")
			got := a.decode(t)
			if a.status != http.StatusInternalServerError || got["code"] != "unreadable" || got["message_id"] != id || !strings.Contains(a.body, "operator") {
				t.Errorf("%s: %s answers %d %s", name, path, a.status, a.body)
			}
			for who, header := range strangers {
				if a := w.do("GET", path, "", header); a.status != http.StatusNotFound {
					t.Errorf("%s: %s tells %s: %d %s", name, path, who, a.status, a.body)
				}
			}
		}
		for path, body := range map[string]string{
			"/v1/messages/" + id + "/cancel":      "",
			"/v1/messages/" + id + "/resolve":     `{"verdict":"resend","reason":"why"}`,
			"/v1/dead-letters/" + id + "/discard": `{"reason":"why"}`,
			"/v1/dead-letters/" + id + "/replace": `{"to":"+14155552671","body":"x","reason":"why"}`,
			"/v1/dead-letters/" + id + "/replay":  `{"reason":"why"}`,
		} {
			if a := w.do("POST", path, body); a.problem(t).Code != "unreadable" {
				t.Errorf("%s: %s answers %d %s", name, path, a.status, a.body)
			}
			for who, header := range strangers {
				if a := w.do("POST", path, body, header); a.status != http.StatusNotFound {
					t.Errorf("%s: %s tells %s: %d %s", name, path, who, a.status, a.body)
				}
			}
		}
		if a := w.do("POST", "/v1/messages", text(), "Idempotency-Key: k"); a.problem(t).Code != "unreadable" {
			t.Errorf("%s: repeating its request: %d %s", name, a.status, a.body)
		}
	}
	spoiled.Spoil()
	if a := w.do("GET", "/v1/messages/"+id, ""); a.status != http.StatusOK {
		t.Errorf("mended: %d %s", a.status, a.body)
	}
}
