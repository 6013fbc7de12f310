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
	rival := "Authorization: Bearer " + w.newKey("rival", domain.ScopeAdmin)
	for name, position := range map[string]int64{"its first event": first, "its last event": first + 2} {
		spoiled.Spoil(position)
		for _, path := range []string{"/v1/messages/" + id, "/v1/messages/" + id + "?as_of=1000", "/v1/messages/" + id + "/events", "/v1/dead-letters/" + id} {
			a := w.do("GET", path, "")
			got := a.decode(t)
			if a.status != http.StatusInternalServerError || got["code"] != "unreadable" || got["message_id"] != id || !strings.Contains(a.body, "operator") {
				t.Errorf("%s: %s answers %d %s", name, path, a.status, a.body)
			}
			if a := w.do("GET", path, "", rival); a.status != http.StatusNotFound {
				t.Errorf("%s: another tenant is told: %d %s", name, a.status, a.body)
			}
		}
		if a := w.do("POST", "/v1/messages/"+id+"/cancel", ""); a.problem(t).Code != "unreadable" {
			t.Errorf("%s: canceling it: %d %s", name, a.status, a.body)
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
