package web

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestTheOverviewNamesWhatNeedsSomebodyAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	claimed := events.MessageAttempted{Attempt: 1, Provider: "twilio"}
	w.accept("acme", "msg_1", nil, claimed, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"})
	page := w.get(olga, "/")
	page.hides(t, "Needs somebody") // a doubt settles itself
	page.shows(t, "1 of 1 calls failed in the last minute", ">failing<")

	w.deadLetter("msg_2", "permanent", "21211")
	w.deadLetter("msg_3", "in_doubt", "")
	w.get(olga, "/").shows(t, "Needs somebody", "<strong>2</strong> given up", "<strong>1</strong> of them may have been sent", `<a href="/dead-letters">2</a>`)
	for _, id := range []string{"msg_2", "msg_3"} {
		if a := w.post(olga, "/messages/"+id+"/discard", "reason", "too old"); a.status != 303 {
			t.Fatalf("putting aside: %d", a.status)
		}
	}
	w.catchUp()
	page = w.get(olga, "/")
	page.hides(t, "Needs somebody")
	page.shows(t, `<a href="/dead-letters">0</a>`)
}

func TestANumberTellsWhoOptedItOutAndWhy(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	if a := w.post(olga, "/consent", "number", number1, "change", "out", "tenant", "acme", "reason", "asked by mail"); a.status != 303 {
		t.Fatalf("opting out: %d", a.status)
	}
	w.catchUp()
	w.get(olga, "/consent").shows(t, `href="/consent?number=%2B14155552671"`)
	w.get(olga, "/consent?number=%2B14155552671").shows(t, "operator:olga", "asked by mail", "In the log")
}

func TestWhatIsAskedNextIsOneClickAway(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, viewer := w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.accept("acme", "msg_1", nil)
	consent := `href="/consent?number=%2B14155552671"`
	w.get(olga, "/messages/msg_1").shows(t, consent, "prosms audit export msg_1 --out bundle.ndjson")
	w.get(olga, "/messages?q=%2B14155552671").shows(t, consent, "/messages/msg_1")
	w.get(olga, "/").shows(t, `<a href="/messages?lane=normal&amp;status=accepted">Waiting in lane normal</a>`)
	for _, path := range []string{"/messages/msg_1", "/messages?q=%2B14155552671"} {
		w.get(viewer, path).hides(t, "/consent?number")
	}
}
