package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
)

func TestAForgottenPersonReadsErasedEverywhere(t *testing.T) {
	w := newWorld(t, withTwilio)
	id := w.accept(text(`"from":"+15005550006"`))
	w.die(id, "21211", "detail")
	w.textUs(number, "a text from them")
	if a := w.do("PUT", "/v1/opt-outs/"+number, ""); a.status != http.StatusOK {
		t.Fatalf("opting out: %d", a.status)
	}
	w.catchUp()
	paths := []string{
		"/v1/messages", "/v1/messages/" + id, "/v1/messages/" + id + "/events", "/v1/messages?to=%2B14155552671",
		"/v1/dead-letters", "/v1/dead-letters/" + id, "/v1/opt-outs", "/v1/opt-outs/" + number, "/v1/inbound", "/v1/events",
	}
	for _, path := range paths {
		if a := w.do("GET", path, ""); a.status != http.StatusOK || !strings.Contains(a.body, number) || strings.Contains(a.body, "sealed") {
			t.Errorf("before, %s: %d %s", path, a.status, a.body)
		}
	}
	a := w.do("POST", "/v1/subjects/forget", `{"number":"(415) 555-2671"}`)
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("a number without region: %d %s", a.status, a.body)
	}
	first := w.do("POST", "/v1/subjects/forget", `{"number":"+1 415 555 2671"}`)
	if again := w.do("POST", "/v1/subjects/forget", `{"number":"`+number+`"}`); first.status != http.StatusOK || first.body != again.body {
		t.Errorf("forgetting: %d %s, again %s", first.status, first.body, again.body)
	}
	w.catchUp()
	for _, path := range paths {
		a := w.do("GET", path, "")
		if a.status != http.StatusOK || strings.Contains(a.body, number[1:]) || !strings.Contains(a.body, events.Erased) || strings.Contains(a.body, "sealed") {
			t.Errorf("afterwards, %s: %d %s", path, a.status, a.body)
		}
	}
	if out := w.do("GET", "/v1/opt-outs/"+number, "").decode(t); out["opted_out"] != true {
		t.Errorf("consent: %v", out)
	}
}
