package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestADoubtIsSettledByAnOperator(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, viewer := w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		w.accept("acme", id, nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"})
	}
	w.get(olga, "/messages/msg_1").shows(t, "Resolve…", "/v1/messages/msg_1/resolve", "send it now")
	w.get(viewer, "/messages/msg_1").hides(t, "Resolve…")
	if a := w.post(olga, "/messages/msg_1/resolve", "attempt", "1", "verdict", "sent", "reason", "x"); a.status != 422 {
		t.Errorf("without the provider's id: %d", a.status)
	}
	for id, form := range map[string][]string{
		"msg_1": {"verdict", "sent", "provider_message_id", "SM77"}, "msg_2": {"verdict", "resend", "provider_message_id", ""}, "msg_3": {"verdict", "give_up"},
	} {
		if a := w.post(olga, "/messages/"+id+"/resolve", append(form, "attempt", "1", "reason", "asked them")...); a.status != 303 {
			t.Errorf("%s: %d\n%s", id, a.status, a.body)
		}
		if a := w.post(olga, "/messages/"+id+"/resolve", append(form, "attempt", "1", "reason", "asked them")...); a.status != http.StatusConflict {
			t.Errorf("%s twice: %d", id, a.status)
		}
	}
	w.get(olga, "/messages/msg_1?done=resolved").shows(t, "settled, in your name", "SM77", "An operator found it at the provider", "asked them", "operator:olga")
	w.get(olga, "/messages/msg_2").shows(t, "found out that it was not sent", "Sent again by an operator")
	w.get(olga, "/messages/msg_3").shows(t, "Put aside", "asked them")
	w.get(olga, "/audit").shows(t, "message.reconciled", "asked them", "operator:olga")
}

func TestADeadLetterIsReplacedByAnotherText(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, viewer := w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	w.deadLetter("msg_1", "permanent", "21211")
	w.deadLetter("msg_2", "in_doubt", "")
	w.get(olga, "/messages/msg_1").shows(t, "Replace…", bodyText, "/v1/dead-letters/msg_1/replace")
	w.get(viewer, "/messages/msg_1").hides(t, "Replace…", bodyText)
	if a := w.post(olga, "/messages/msg_1/replace", "to", number1, "body", "x", "reason", "typo", "expires_at", "2020-01-31T08:00"); a.status != 422 {
		t.Errorf("a time that has passed: %d", a.status)
	}
	text := []string{"to", "(415) 555-2672", "body", "Your code is 11", "reason", "typo"}
	a := w.post(olga, "/messages/msg_1/replace", text...)
	page, _, _ := strings.Cut(a.header.Get("Location"), "?")
	if a.status != 303 || !strings.HasPrefix(page, "/messages/msg_") {
		t.Fatalf("replacing: %d to %s\n%s", a.status, page, a.body)
	}
	w.catchUp()
	w.get(olga, page).shows(t, "In the place of", "/messages/msg_1", "typo", "operator:olga")
	w.get(olga, "/messages/msg_1").shows(t, "Replaced", page)
	if a := w.post(olga, "/messages/msg_1/replace", text...); a.status != http.StatusConflict {
		t.Errorf("twice: %d", a.status)
	}
	w.get(olga, "/messages/msg_2").shows(t, "then both may arrive")
	if a := w.post(olga, "/messages/msg_2/replace", text...); a.status != http.StatusConflict {
		t.Errorf("a doubt, without the tick: %d", a.status)
	}
	if a := w.post(olga, "/messages/msg_2/replace", append(text, "in_doubt", "1")...); a.status != 303 {
		t.Errorf("a doubt, with the tick: %d", a.status)
	}
}
