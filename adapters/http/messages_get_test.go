package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/events"
)

func TestAMessageIsShownAsItStandsWithNullsForWhatIsNotKnown(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text(`"metadata":{"a":"1"}`))
	a := w.do("GET", "/v1/messages/"+id, "")
	got := a.decode(t)
	if a.status != http.StatusOK || a.header.Get("ETag") != `"1"` || got["version"] != 1.0 || got["status"] != "accepted" {
		t.Fatalf("answer %d %s, ETag %s", a.status, a.body, a.header.Get("ETag"))
	}
	for _, field := range strings.Fields("from reference callback_url provider provider_message_id last_error send_at expires_at due_at") {
		if value, ok := got[field]; !ok || value != nil {
			t.Errorf("%s is %v, want null", field, value)
		}
	}
	for _, field := range []string{"tenant", "consent", "test", "since"} {
		if _, ok := got[field]; ok {
			t.Errorf("%s is shown", field)
		}
	}
	if len(got["attempts"].([]any)) != 0 || got["metadata"].(map[string]any)["a"] != "1" || got["body"] != "hello" {
		t.Errorf("shown as %s", a.body)
	}
}

func TestAttemptsAndErrorsAreShown(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.happen(id,
		events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "not_sent", Code: "20429", Detail: "too fast"},
		events.MessageRetried{Attempt: 2, Delay: events.Duration(time.Minute), DueAt: time.Now().Add(time.Minute)},
		events.MessageAttempted{Attempt: 2, AttemptID: "y", Provider: "twilio"},
		events.MessageDispatched{Attempt: 2, Provider: "twilio", ProviderMessageID: "SM1"})
	got := w.do("GET", "/v1/messages/"+id, "").decode(t)
	attempts := got["attempts"].([]any)
	first, second := attempts[0].(map[string]any), attempts[1].(map[string]any)
	if first["outcome"] != "failed" || first["code"] != "20429" || first["provider_message_id"] != nil || first["finished_at"] == nil {
		t.Errorf("first attempt %v", first)
	}
	if second["outcome"] != "sent" || second["provider_message_id"] != "SM1" || second["class"] != nil {
		t.Errorf("second attempt %v", second)
	}
	if e := got["last_error"].(map[string]any); e["class"] != "not_sent" || e["detail"] != "too fast" {
		t.Errorf("last error %v", e)
	}
	if got["status"] != "dispatched" || got["provider"] != "twilio" || got["version"] != 6.0 {
		t.Errorf("shown as %v", got)
	}
}

func TestAnotherTenantsMessageDoesNotExist(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.catchUp()
	w.key = w.newKey("other", "admin")
	for _, route := range []string{"GET /v1/messages/" + id, "GET /v1/messages/" + id + "/events", "POST /v1/messages/" + id + "/cancel"} {
		method, path, _ := strings.Cut(route, " ")
		if a := w.do(method, path, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", route, a.status)
		}
	}
	if a := w.do("GET", "/v1/messages", ""); len(a.decode(t)["data"].([]any)) != 0 {
		t.Errorf("it is listed: %s", a.body)
	}
}

func TestWhoKnowsTheVersionGetsNoBody(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	for _, known := range []string{`"1"`, `W/"1"`, `"0", "1"`, `*`} {
		a := w.do("GET", "/v1/messages/"+id, "", "If-None-Match: "+known)
		if a.status != http.StatusNotModified || a.body != "" || a.header.Get("ETag") != `"1"` {
			t.Errorf("%s: %d %s", known, a.status, a.body)
		}
	}
	for _, known := range []string{`"2"`, `"11"`, `1`} {
		if a := w.do("GET", "/v1/messages/"+id, "", "If-None-Match: "+known); a.status != http.StatusOK {
			t.Errorf("%s: %d", known, a.status)
		}
	}
	if a := w.do("GET", "/v1/messages/msg_unknown", "", `If-None-Match: *`); a.status != http.StatusNotFound || a.header.Get("ETag") != "" {
		t.Errorf("unknown: %d", a.status)
	}
}

func TestALongPollIsAnsweredAsSoonAsTheMessageChanges(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	before := w.store.loads.Load()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a := w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: respond-async, wait=20")
			if a.status != http.StatusOK || a.header.Get("ETag") != `"2"` || a.header.Get("Preference-Applied") != "wait=20" {
				t.Errorf("answer %d %s", a.status, a.body)
			}
		})
	}
	w.awaitLoads(before, 8) // all have seen version 1
	start := time.Now()
	w.happen(id, events.MessageCanceled{By: "test"})
	all.Wait()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestALongPollEndsWithItsWait(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	start := time.Now()
	a := w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: wait=1")
	if took := time.Since(start); a.status != http.StatusNotModified || took < time.Second || took > 3*time.Second {
		t.Errorf("answer %d after %v", a.status, took)
	}
	if a.header.Get("Preference-Applied") != "wait=1" || a.header.Get("ETag") != `"1"` {
		t.Errorf("headers %v", a.header)
	}
}

func TestTheReadTimeoutDoesNotCutALongPoll(t *testing.T) {
	w, server := build(t)
	listening := httptest.NewUnstartedServer(server.Handler())
	listening.Config.ReadTimeout = 200 * time.Millisecond
	listening.Start()
	defer listening.Close()
	w.url = listening.URL
	id := w.accept(text())
	start := time.Now()
	a := w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: wait=1")
	if took := time.Since(start); a.status != http.StatusNotModified || took < time.Second {
		t.Errorf("answer %d after %v", a.status, took)
	}
}

func TestAWaitThatCannotBeGrantedIsNotApplied(t *testing.T) {
	w := newWorld(t, func(s *api.Server) { s.MaxPolls = -1 })
	id := w.accept(text())
	for _, headers := range [][]string{
		{"Prefer: wait=20"},                              // waits for nothing
		{"Prefer: wait=20", `If-None-Match: "7"`},        // has changed already
		{"Prefer: wait=soon", `If-None-Match: "1"`},      //
		{"Prefer: wait=-5", `If-None-Match: "1"`},        //
		{"Prefer: wait=0", `If-None-Match: "1"`},         //
		{"Prefer: wait=20", `If-None-Match: *`},          // names no version
		{"Prefer: wait=20", `If-None-Match: "1"`},        // no room
		{"Prefer: handling=strict", `If-None-Match: ""`}, //
	} {
		start := time.Now()
		a := w.do("GET", "/v1/messages/"+id, "", headers...)
		if a.header.Get("Preference-Applied") != "" || time.Since(start) > 5*time.Second {
			t.Errorf("%v: %q after %v", headers, a.header.Get("Preference-Applied"), time.Since(start))
		}
	}
}

func TestALongPollOfAnotherTenantsMessageIsAnsweredAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.key = w.newKey("other", "messages:read")
	if a := w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: wait=20"); a.status != http.StatusNotFound {
		t.Errorf("answer %d", a.status)
	}
}
