package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestARequestToReplayIsRefusedWithItsFaults(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.die(id, "21211", "invalid number")
	w.catchUp()
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"no selection", `{"reason":"x"}`, 422, "invalid_value"},
		{"two selections", `{"reason":"x","ids":["` + id + `"],"filter":{}}`, 422, "invalid_value"},
		{"no ids", `{"reason":"x","ids":[]}`, 422, "required"},
		{"too many ids", `{"reason":"x","ids":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`, 422, "too_many_items"},
		{"an id that cannot be one", `{"reason":"x","ids":["a b"]}`, 422, "not_found"},
		{"an unknown id", `{"reason":"x","ids":["msg_1"]}`, 422, "not_found"},
		{"an id twice", `{"reason":"x","ids":["` + id + `","` + id + `"]}`, 422, "invalid_value"},
		{"a filter that selects nothing", `{"reason":"x","filter":{"code":"1"}}`, 422, "not_found"},
		{"a filter with a typing error", `{"reason":"x","filter":{"cod":"21211"}}`, 400, "unknown_field"},
		{"a filter with an empty value", `{"reason":"x","filter":{"code":""}}`, 422, "invalid_value"},
		{"a filter with no date", `{"reason":"x","filter":{"created_after":"today"}}`, 422, "invalid_date"},
		{"no reason", `{"filter":{}}`, 422, "required"},
		{"too high a rate", `{"reason":"x","filter":{},"rate":1001}`, 422, "invalid_value"},
		{"a rate of nothing", `{"reason":"x","filter":{},"rate":0}`, 422, "invalid_value"},
		{"a negative rate", `{"reason":"x","filter":{},"rate":-1}`, 422, "invalid_value"},
		{"an unknown name behind a rate of nothing", `{"reason":"x","filter":{"created_after":"today"},"rate":0,"x":1}`, 400, "unknown_field"},
		{"a rate that is no number", `{"reason":"x","filter":{},"rate":-}`, 400, "malformed_json"},
		{"a broken rate", `{"reason":"x","filter":{},"rate":1.5}`, 400, "wrong_type"},
		{"a rate with a leading zero", `{"reason":"x","filter":{},"rate":01}`, 400, "malformed_json"},
		{"an endless rate", `{"reason":"x","filter":{},"rate":` + strings.Repeat("9", 50) + `}`, 422, "invalid_value"},
		{"a rate in words", `{"reason":"x","filter":{},"rate":"10"}`, 400, "wrong_type"},
		{"a rate that ends the document", `{"reason":"x","filter":{},"rate":1`, 400, "malformed_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.do("POST", "/v1/dead-letters/replay", tt.body); a.status != tt.status || a.problem(t).Code != tt.code {
				t.Errorf("answer %d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
		})
	}
	if a := w.do("POST", "/v1/dead-letters/"+id+"/replay", `{"reason":"x","ids":[]}`); a.status != http.StatusBadRequest {
		t.Errorf("ids for one: %d", a.status)
	}
}

func TestADryRunSaysWhatWouldHappenAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	dead, doubt, fresh, timed := w.accept(text()), w.accept(text()), w.accept(text()), w.accept(text(`"expires_at":"`+soon+`"`))
	w.die(dead, "21211", "invalid number")
	w.doubt(doubt)
	w.die(timed, "21211", "invalid number")
	before := w.head()
	would := func(path, body string) string {
		a := w.do("POST", path, body)
		if a.status != http.StatusOK {
			t.Fatalf("answer %d %s", a.status, a.body)
		}
		var all []string
		for _, item := range a.decode(t)["items"].([]any) {
			all = append(all, item.(map[string]any)["would"].(string))
		}
		return strings.Join(all, " ")
	}
	ids := fmt.Sprintf(`"ids":[%q,%q,%q,%q],"dry_run":true`, dead, doubt, fresh, timed)
	for body, want := range map[string]string{
		`{` + ids + `}`: "send in_doubt not_dead_lettered send",
		`{` + ids + `,"include_in_doubt":true,"reason":"x"}`: "send send not_dead_lettered send",
	} {
		if got := would("/v1/dead-letters/replay", body); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := would("/v1/dead-letters/"+doubt+"/replay", `{"dry_run":true}`); got != "in_doubt" {
		t.Errorf("one in doubt would %s", got)
	}
	if a := w.do("POST", "/v1/dead-letters/msg_none/replay", `{"dry_run":true}`); a.status != http.StatusNotFound {
		t.Errorf("one that is not: %d", a.status)
	}
	if w.head() != before {
		t.Error("a dry run changed something")
	}
}

func TestAReplayIsRequestedSteeredAndListed(t *testing.T) {
	w := newWorld(t)
	first, second := w.accept(text()), w.accept(text())
	w.die(first, "21211", "invalid number")
	w.doubt(second)
	w.catchUp()
	a := w.do("POST", "/v1/dead-letters/replay", `{"filter":{},"reason":"mended","rate":25}`)
	replay := a.decode(t)
	id, _ := replay["id"].(string)
	if a.status != http.StatusAccepted || a.header.Get("Location") != "/v1/replays/"+id || replay["selected"] != 2.0 || replay["pending"] != 2.0 || replay["rate"] != 25.0 {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	late := w.accept(text())
	w.die(late, "21211", "invalid number") // not in the frozen selection
	w.catchUp()
	w.happen(id, events.ReplayProgressed{Items: []events.ReplayItem{{ID: second, Outcome: "skipped", Why: "in_doubt"}}})
	items := w.do("GET", "/v1/replays/"+id+"/items?limit=1", "").decode(t)
	if item := items["data"].([]any)[0].(map[string]any); item["id"] != first || item["outcome"] != "pending" || item["why"] != nil {
		t.Errorf("first item %v", item)
	}
	cursor, _ := items["next_cursor"].(string)
	items = w.do("GET", "/v1/replays/"+id+"/items?limit=1&cursor="+cursor, "").decode(t)
	if item := items["data"].([]any)[0].(map[string]any); item["id"] != second || item["why"] != "in_doubt" || items["next_cursor"] != nil {
		t.Errorf("second item of %v", items)
	}
	for _, step := range []struct{ verb, body, status string }{
		{"pause", `{"reason":"lunch"}`, "paused"}, {"pause", "", "paused"}, {"resume", "", "running"}, {"cancel", `{}`, "canceled"}, {"cancel", "", "canceled"},
	} {
		if a := w.do("POST", "/v1/replays/"+id+"/"+step.verb, step.body); a.status != http.StatusOK || a.decode(t)["status"] != step.status {
			t.Errorf("%s: %d %s", step.verb, a.status, a.body)
		}
	}
	if a := w.do("POST", "/v1/replays/"+id+"/resume", ""); a.status != http.StatusConflict || a.problem(t).Code != "replay_ended" {
		t.Errorf("resuming what is canceled: %d %s", a.status, a.body)
	}
	got := w.do("GET", "/v1/replays/"+id, "").decode(t)
	if got["status"] != "canceled" || got["skipped"] != 1.0 || got["pending"] != 1.0 || got["last_change"].(map[string]any)["by"] == "" {
		t.Errorf("as of now %v", got)
	}
	w.catchUp()
	if ids := w.do("GET", "/v1/replays", "").ids(t); len(ids) != 1 || ids[0] != id {
		t.Errorf("listed %v", ids)
	}
	w.key = w.newKey("acme", domain.ScopeRead)
	if a := w.do("POST", "/v1/replays/"+id+"/pause", ""); a.status != http.StatusForbidden {
		t.Errorf("without admin: %d", a.status)
	}
	w.key = w.newKey("other", domain.ScopeAdmin)
	for _, call := range []string{"GET /v1/replays/" + id, "GET /v1/replays/" + id + "/items", "POST /v1/replays/" + id + "/pause", "POST /v1/dead-letters/" + first + "/replay"} {
		method, path, _ := strings.Cut(call, " ")
		body := map[bool]string{true: `{"reason":"x"}`, false: ""}[method == "POST"]
		if a := w.do(method, path, body); a.status != http.StatusNotFound {
			t.Errorf("another tenant's %s: %d", call, a.status)
		}
	}
}

func TestOneInDoubtIsReplayedWithTheTickOnly(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	w.doubt(id)
	if a := w.do("POST", "/v1/dead-letters/"+id+"/replay", `{"reason":"x"}`); a.status != http.StatusConflict || a.problem(t).Code != "in_doubt" {
		t.Errorf("without: %d %s", a.status, a.body)
	}
	a := w.do("POST", "/v1/dead-letters/"+id+"/replay", `{"reason":"x","include_in_doubt":true}`)
	if a.status != http.StatusAccepted || a.decode(t)["include_in_doubt"] != true {
		t.Errorf("with: %d %s", a.status, a.body)
	}
	fresh := w.accept(text())
	if a := w.do("POST", "/v1/dead-letters/"+fresh+"/replay", `{"reason":"x"}`); a.status != http.StatusConflict || a.problem(t).Code != "not_dead_lettered" {
		t.Errorf("what is no dead letter: %d %s", a.status, a.body)
	}
}

func TestATestKeyReplaysTestTextsOnly(t *testing.T) {
	w := newWorld(t)
	live := w.accept(text())
	w.die(live, "21211", "invalid number")
	w.key = w.newTestKey("acme")
	test := w.accept(text())
	w.die(test, "21211", "invalid number")
	w.catchUp()
	if a := w.do("POST", "/v1/dead-letters/replay", `{"filter":{},"reason":"x"}`); a.status != http.StatusAccepted || a.decode(t)["selected"] != 1.0 {
		t.Errorf("by filter: %d %s", a.status, a.body)
	}
	if a := w.do("POST", "/v1/dead-letters/"+live+"/replay", `{"reason":"x"}`); a.status != http.StatusNotFound {
		t.Errorf("a live one: %d %s", a.status, a.body)
	}
}
