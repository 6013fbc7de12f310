package api_test

import (
	"net/http"
	"strings"
	"testing"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

func TestAnEndpointIsKeptAndItsSecretShownOnce(t *testing.T) {
	w := newWorld(t)
	made := w.do("POST", "/v1/webhooks", `{"url":"https://example.com/hooks","types":["message.delivered"]}`)
	if made.status != http.StatusCreated {
		t.Fatalf("created: %d\n%s", made.status, made.body)
	}
	id, secret := made.decode(t)["id"].(string), made.decode(t)["secret"].(string)
	again := w.do("POST", "/v1/webhooks/"+id+"/rotate", `{"overlap_seconds":60}`)
	callbacks := w.do("POST", "/v1/webhooks/callbacks/rotate", "")
	if again.status != 200 || again.decode(t)["secret"] == secret || callbacks.status != 200 || callbacks.decode(t)["id"] != "callbacks" {
		t.Errorf("rotated: %d, %d", again.status, callbacks.status)
	}
	if changed := w.do("PATCH", "/v1/webhooks/"+id, `{"enabled":false}`); changed.decode(t)["disabled_reason"] != "request" {
		t.Errorf("disabled: %d %s", changed.status, changed.body)
	}
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + id, "/v1/events"} {
		if shown := w.do("GET", path, ""); shown.status != 200 || strings.Contains(shown.body, secret) || strings.Contains(shown.body, "whsec_") {
			t.Errorf("%s: %d", path, shown.status)
		}
	}
	other := "Authorization: Bearer " + w.newKey("other", domain.ScopeAdmin)
	for _, request := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"PATCH", `{"enabled":true}`}} {
		if a := w.do(request[0], "/v1/webhooks/"+id, request[1], other); a.status != http.StatusNotFound {
			t.Errorf("%s by another tenant: %d", request[0], a.status)
		}
	}
	if a := w.do("DELETE", "/v1/webhooks/"+id, ""); a.status != http.StatusNoContent {
		t.Errorf("deleted: %d", a.status)
	}
	if a := w.do("GET", "/v1/webhooks", ""); a.body != `{"data":[],"next_cursor":null}`+"\n" && a.body != `{"data":[],"next_cursor":null}` {
		t.Errorf("left: %s", a.body)
	}
}

func TestBadEndpointsAreRefusedByField(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		`{}`:                                    "required /url",
		`{"url":"http://` + canary + `/"}`:      "invalid_value /url",
		`{"url":"https://` + canary + `:x@b/"}`: "invalid_value /url",
		`{"url":"https://example.com/","types":["` + canary + `"]}`:       "invalid_value /types/0",
		`{"url":"https://example.com/` + strings.Repeat("a", 2048) + `"}`: "invalid_value /url",
	} {
		a := w.do("POST", "/v1/webhooks", body)
		p := a.problem(t)
		if a.status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Code+" "+p.Errors[0].Pointer != want || strings.Contains(a.body, canary) {
			t.Errorf("%.40s: %d %+v, want %s", body, a.status, p.Errors, want)
		}
	}
	for _, body := range []string{`{"overlap_seconds":1.5}`, `{"overlap_seconds":"1"}`, `{"overlap":1}`} {
		if a := w.do("POST", "/v1/webhooks/callbacks/rotate", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", body, a.status)
		}
	}
	for _, body := range []string{`{"overlap_seconds":0}`, `{"overlap_seconds":604801}`} {
		if a := w.do("POST", "/v1/webhooks/callbacks/rotate", body); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", body, a.status)
		}
	}
}

func TestDeliveriesAreListedAndReplayed(t *testing.T) {
	views := new(memory.Views)
	w := newWorld(t, func(s *api.Server) {
		s.Webhooks = &commands.Webhooks{Store: s.Queries.Store, Views: views, Lookup: s.Commands.Lookup}
	})
	made := w.do("POST", "/v1/webhooks", `{"url":"https://example.com/hooks"}`).decode(t)
	w.accept(text(`"callback_url":"https://example.com/cb"`))
	announcer := commands.Announcer{Store: w.store, Views: views, Lookup: w.commands.Lookup}
	if err := announcer.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func(query string) int {
		t.Helper()
		a := w.do("GET", "/v1/webhooks/deliveries"+query, "")
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		return len(a.decode(t)["data"].([]any))
	}
	for query, want := range map[string]int{
		"": 2, "?status=pending": 2, "?status=dead": 0, "?endpoint=callbacks": 1, "?endpoint=" + made["id"].(string): 1, "?endpoint=x": 0, "?limit=1": 1,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d deliveries, want %d", query, got, want)
		}
	}
	first := w.do("GET", "/v1/webhooks/deliveries?limit=1", "").decode(t)
	id := first["data"].([]any)[0].(map[string]any)["id"].(string)
	if count("?limit=1&cursor="+first["next_cursor"].(string)) != 1 {
		t.Error("the second page is empty")
	}
	if a := w.do("GET", "/v1/webhooks/deliveries/"+id, ""); a.status != 200 {
		t.Errorf("one: %d", a.status)
	}
	if a := w.do("POST", "/v1/webhooks/deliveries/"+id+"/replay", `{"reason":"mended"}`); a.status != http.StatusConflict || a.problem(t).Code != "delivery_pending" {
		t.Errorf("replay of what is pending: %d", a.status)
	}
	if a := w.do("GET", "/v1/webhooks/deliveries/"+id, "", "Authorization: Bearer "+w.newKey("other", domain.ScopeAdmin)); a.status != http.StatusNotFound {
		t.Errorf("another tenant's: %d", a.status)
	}
	if a := w.do("GET", "/v1/webhooks/deliveries?status="+canary, ""); a.status != http.StatusBadRequest || strings.Contains(a.body, canary) {
		t.Errorf("a status that does not exist: %d", a.status)
	}
}
