package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

func TestAMessageIsShownAsOfAPositionOrATime(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	accepted := w.timeline(id, "")[0]
	time.Sleep(2 * time.Millisecond) // recorded_at is to the microsecond
	w.happen(id, events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"})
	for query, want := range map[string]string{
		fmt.Sprintf("as_of=%d", accepted.Position):                               "accepted",
		fmt.Sprintf("as_of=%d", accepted.Position+1):                             "dispatching",
		fmt.Sprintf("as_of=%d", accepted.Position+100):                           "dispatched",
		fmt.Sprintf("as_of=%d", accepted.Position-1):                             "",
		"as_of=" + url.QueryEscape(accepted.RecordedAt.Format(time.RFC3339Nano)): "accepted",
		"as_of=2001-01-01T00:00:00Z":                                             "",
		"as_of=2101-01-01T00:00:00Z":                                             "dispatched",
	} {
		a := w.do("GET", "/v1/messages/"+id+"?"+query, "")
		if want == "" {
			if a.status != http.StatusNotFound || a.problem(t).Code != "not_found" {
				t.Errorf("%s: answer %d %s, want 404", query, a.status, a.body)
			}
			continue
		}
		got := a.decode(t)
		if a.status != http.StatusOK || got["status"] != want || a.header.Get("ETag") != fmt.Sprintf(`"%v"`, got["version"]) {
			t.Errorf("%s: answer %d %s, want %s", query, a.status, a.body, want)
		}
	}
	for _, query := range []string{"as_of=", "as_of=yesterday", "as_of=-1", "as_of=1&x=1", "as_of=1&as_of=2"} {
		if a := w.do("GET", "/v1/messages/"+id+"?"+query, ""); a.status != http.StatusBadRequest {
			t.Errorf("%s: answer %d %s, want 400", query, a.status, a.body)
		}
	}
}
