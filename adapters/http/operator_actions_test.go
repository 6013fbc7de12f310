package api_test

import (
	"net/http"
	"testing"

	"github.com/pro-sms/prosms/events"
)

func TestADoubtIsResolvedByAPI(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.happen(id, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"})
	path := "/v1/messages/" + id + "/resolve"
	for body, code := range map[string]string{
		`{"verdict":"sent","reason":"x"}`:                       "required",
		`{"verdict":"perhaps","reason":"x"}`:                    "invalid_value",
		`{"verdict":"resend"}`:                                  "required",
		`{"verdict":"resend","reason":"x","provider_id":"SM1"}`: "unknown_field",
	} {
		if a := w.do("POST", path, body); a.problem(t).Code != code {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.problem(t).Code, code)
		}
	}
	a := w.do("POST", path, `{"attempt":1,"verdict":"sent","provider_message_id":"SM1","reason":"their console shows it"}`)
	if shown := a.decode(t); a.status != http.StatusOK || shown["status"] != "dispatched" || shown["provider_message_id"] != "SM1" {
		t.Errorf("resolving: %d %v", a.status, shown["status"])
	}
	if a := w.do("POST", path, `{"verdict":"resend","reason":"x"}`); a.status != http.StatusConflict || a.problem(t).Code != "not_in_doubt" {
		t.Errorf("again: %d %s", a.status, a.problem(t).Code)
	}
}

func TestADeadLetterIsReplacedByAPI(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.die(id, "21211", "invalid number")
	path := "/v1/dead-letters/" + id + "/replace"
	a := w.do("POST", path, `{"to":"+14155552672","body":"hello","reason":"wrong number"}`)
	shown := a.decode(t)
	if a.status != http.StatusAccepted || a.header.Get("Location") != "/v1/messages/"+shown["id"].(string) || shown["id"] == id {
		t.Fatalf("replacing: %d %v", a.status, shown)
	}
	if a := w.do("POST", path, `{"to":"+14155552672","body":"hello","reason":"twice"}`); a.status != http.StatusConflict || a.problem(t).Code != "discarded" {
		t.Errorf("twice: %d %s", a.status, a.problem(t).Code)
	}
	doubt := w.accept(text())
	w.doubt(doubt)
	path = "/v1/dead-letters/" + doubt + "/replace"
	if a := w.do("POST", path, `{"to":"+14155552672","body":"hello","reason":"x"}`); a.status != http.StatusConflict || a.problem(t).Code != "in_doubt" {
		t.Errorf("a doubt: %d %s", a.status, a.problem(t).Code)
	}
	if a := w.do("POST", path, `{"to":"+14155552672","body":"hello","reason":"x","include_in_doubt":true}`); a.status != http.StatusAccepted {
		t.Errorf("a doubt with the tick: %d", a.status)
	}
}
