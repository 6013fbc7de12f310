package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// die gives a message up for an error.
func (w *world) die(id, code, detail string) {
	w.t.Helper()
	w.happen(id, events.MessageAttempted{Attempt: 1, Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "permanent", Code: code, Detail: detail},
		events.MessageDeadLettered{Reason: "permanent", Attempts: 1, Class: "permanent", Code: code, Detail: detail})
}

// doubt gives a message up of which nobody knows whether it was sent.
func (w *world) doubt(id string) {
	w.t.Helper()
	w.happen(id, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"},
		events.MessageReconciled{Attempt: 1, Outcome: "unknown"}, events.MessageDeadLettered{Reason: "in_doubt", Attempts: 1, Class: "in_doubt"})
}

func TestDeadLettersAreListedFilteredAndGrouped(t *testing.T) {
	w := newWorld(t)
	start := time.Now().UTC()
	first, second, third, doubt := w.accept(text()), w.accept(text(`"lane":"high"`)), w.accept(text()), w.accept(text())
	w.accept(text())
	w.die(first, "21211", "invalid number 17")
	w.die(second, "21211", "Invalid  number 18")
	w.die(third, "21614", "not a mobile number")
	w.doubt(doubt)
	w.catchUp()
	groups := w.do("GET", "/v1/dead-letters?group_by=error", "").decode(t)
	largest := groups["data"].([]any)[0].(map[string]any)
	if len(groups["data"].([]any)) != 3 || groups["complete"] != true || largest["count"] != 2.0 || largest["code"] != "21211" || largest["detail"] != "invalid number 17" {
		t.Errorf("grouped as %v", groups)
	}
	past, future := start.Add(-time.Hour).Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339)
	all := []string{doubt, third, second, first}
	for query, want := range map[string][]string{
		"":                                   all,
		"reason=permanent":                   {third, second, first},
		"reason=in_doubt":                    {doubt},
		"class=in_doubt":                     {doubt},
		"code=21614":                         {third},
		"group=" + largest["group"].(string): {second, first},
		"lane=high":                          {second},
		"provider=twilio":                    all,
		"provider=other":                     nil,
		"created_after=" + past:              all,
		"created_before=" + past:             nil,
		"dead_lettered_after=" + future:      nil,
		"dead_lettered_before=" + future:     all,
		"code=21211&lane=normal":             {first},
	} {
		if got := w.do("GET", "/v1/dead-letters?"+query, "").ids(t); !slices.Equal(got, want) {
			t.Errorf("%q selects %v, want %v", query, got, want)
		}
	}
	var paged []string
	for query := "?limit=3"; query != ""; {
		page := w.do("GET", "/v1/dead-letters"+query, "")
		paged, query = append(paged, page.ids(t)...), ""
		if next, more := page.decode(t)["next_cursor"].(string); more {
			query = "?limit=3&cursor=" + url.QueryEscape(next)
		}
	}
	if !slices.Equal(paged, all) {
		t.Errorf("paged as %v", paged)
	}
	w.key = w.newKey("other", domain.ScopeAdmin)
	if got := w.do("GET", "/v1/dead-letters", "").ids(t); got != nil {
		t.Errorf("another tenant sees %v", got)
	}
	if a := w.do("GET", "/v1/dead-letters/"+first, ""); a.status != http.StatusNotFound {
		t.Errorf("another tenant gets %d", a.status)
	}
}

func TestADeadLetterIsShownAsOfNowAndDiscarded(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	if a := w.do("GET", "/v1/dead-letters/"+id, ""); a.status != http.StatusNotFound {
		t.Errorf("before it is one: %d", a.status)
	}
	w.die(id, "21211", "invalid number")
	shown := w.do("GET", "/v1/dead-letters/"+id, "").decode(t) // no view has it yet
	if shown["id"] != id || shown["attempts"] != 1.0 || shown["first_failed_at"] == nil || shown["discarded"] != nil || shown["message"].(map[string]any)["body"] != "hello" {
		t.Errorf("shown as %v", shown)
	}
	w.catchUp()
	for body, code := range map[string]string{`{}`: "required", `{"reason":""}`: "invalid_value", `{"reason":"` + strings.Repeat("x", 201) + `"}`: "too_long"} {
		if a := w.do("POST", "/v1/dead-letters/"+id+"/discard", body); a.status != http.StatusUnprocessableEntity || a.problem(t).Code != code {
			t.Errorf("%.20s: %d %s", body, a.status, a.body)
		}
	}
	for range 2 {
		a := w.do("POST", "/v1/dead-letters/"+id+"/discard", `{"reason":"obsolete"}`)
		discarded, _ := a.decode(t)["discarded"].(map[string]any)
		if a.status != http.StatusOK || discarded["reason"] != "obsolete" || !strings.HasPrefix(discarded["by"].(string), "key:") {
			t.Fatalf("answer %d %s", a.status, a.body)
		}
	}
	w.catchUp()
	if got := w.do("GET", "/v1/dead-letters", "").ids(t); got != nil {
		t.Errorf("still listed: %v", got)
	}
	if a := w.do("POST", "/v1/dead-letters/"+id+"/replay", `{"reason":"x"}`); a.status != http.StatusConflict || a.problem(t).Code != "discarded" {
		t.Errorf("replaying it: %d %s", a.status, a.body)
	}
	if status := w.do("GET", "/v1/messages/"+id, "").decode(t)["status"]; status != "dead_lettered" {
		t.Errorf("its message is %v", status)
	}
	w.key = w.newKey("acme", domain.ScopeWrite, domain.ScopeRead)
	if a := w.do("POST", "/v1/dead-letters/"+id+"/discard", `{"reason":"x"}`); a.status != http.StatusForbidden {
		t.Errorf("without admin: %d", a.status)
	}
}
