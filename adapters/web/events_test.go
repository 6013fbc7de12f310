package web

import (
	"net/http"
	"testing"
)

func TestAFilterOfTheLogThatMakesNoSenseIsExplainedAndTheRestOfItStays(t *testing.T) {
	w := newWorld(t)
	ada := w.admin()
	for path, words := range map[string]string{
		"/events?type=mesage&actor=operator": "That is no type of events; they begin with breaker, ",
		"/events?type=message.sent":          "That is no type of events; there are message.accepted, ",
		"/events?at=yesterday":               "a position, as 1204, or a time in UTC",
	} {
		a := w.get(ada, path)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, a.status)
		}
		a.shows(t, words)
		a.hides(t, "No event fits", "data-follow-rows")
	}
	w.get(ada, "/events?type=mesage&actor=operator").shows(t, `name="actor" value="operator"`)
	if a := w.get(ada, "/events/follow?type=mesage"); a.status != http.StatusBadRequest {
		t.Errorf("following it: %d", a.status)
	}
	for _, fine := range []string{"/events?type=operator", "/events?type=operator.signed_in", "/events?type="} {
		a := w.get(ada, fine)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d", fine, a.status)
		}
		a.shows(t, "operator.signed_in", `<option value="webhook.created">`)
	}
}
