package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestAParameterThatARouteDoesNotHaveIsRefused(t *testing.T) {
	w := newWorld(t, withTwilio)
	own := w.possess()
	for _, s := range append(own.walk(), step{route: "GET /v1/events/stream", path: "/v1/events/stream"}) {
		method, _, _ := strings.Cut(s.route, " ")
		query := "?"
		if strings.Contains(s.path, "?") {
			query = "&"
		}
		for name, want := range map[string]string{"dry_run=true": "unknown_parameter", "%zz=1": "invalid_query"} {
			a := w.do(method, s.path+query+name, s.body)
			p := a.problem(t)
			if a.status != http.StatusBadRequest || p.Code != want || len(p.Errors) != 1 || p.Errors[0].In != "query" {
				t.Errorf("%s with %s: %d %s", s.route, name, a.status, a.body)
			}
		}
	}
	own.untouched(t, w)
}

// badValues are values that no parameter of a name has.
var badValues = map[string][]string{
	"limit":    {"0", "101", "-1", "1.5", "ten", "99999999999999999999", "%201"},
	"cursor":   {"x", "%00", "AAAA", "-1"},
	"after":    {"-1", "x", "1.5", "99999999999999999999"},
	"as_of":    {"-1", "x", "2025-01-01"},
	"group_by": {"code"}, "status": {"Accepted"}, "lane": {"HIGH"}, "reason": {"x"}, "source": {"x"}, "type": {"x"}, "to": {"x"},
	"created_after": {"today"}, "created_before": {"1"}, "dead_lettered_after": {"x"}, "dead_lettered_before": {"2025-13-01T00:00:00Z"},
}

func TestAParameterThatCannotBeReadIsRefusedOnEveryRoute(t *testing.T) {
	w := newWorld(t, withTwilio)
	own := w.possess()
	w.accept(text())
	w.accept(text())
	w.catchUp()
	ids := map[string]string{
		"/v1/messages/{id}": own.message, "/v1/messages/{id}/events": own.message, "/v1/replays/{id}/items": own.replay,
	}
	cursors := map[string]string{} // of lists, by path
	for path, item := range contract(t).document.Paths.Map() {
		if item.Get == nil || !strings.HasPrefix(path, "/v1/") {
			continue
		}
		full := strings.Replace(path, "{id}", ids[path], 1)
		for _, name := range queryParameters(item.Get) {
			bad := append(slices.Clone(badValues[name]), "")
			for _, value := range bad {
				w.refuses(full, name+"="+value, "/"+name)
			}
			w.refuses(full, name+"=1&"+name+"=1", "/"+name)
			if name == "cursor" {
				cursors[full] = ""
			}
		}
	}
	for path := range cursors {
		if next, ok := w.do("GET", path+"?limit=1", "").decode(t)["next_cursor"].(string); ok {
			cursors[path] = next
		}
	}
	if len(cursors) < 9 || cursors["/v1/messages"] == "" || cursors["/v1/keys"] == "" {
		t.Errorf("cursors of %v", cursors)
	}
	for path := range cursors {
		for of, cursor := range cursors {
			if of != path && cursor != "" && (path != "/v1/events" || of != "/v1/events") {
				w.refuses(path, "cursor="+url.QueryEscape(cursor), "/cursor")
			}
		}
		w.refuses(path, "cursor="+base64.RawURLEncoding.EncodeToString([]byte("m0123456789abcdef")), "/cursor")
	}
}

// queryParameters returns the names of those that an operation has.
func queryParameters(o *openapi3.Operation) (names []string) {
	for _, p := range o.Parameters {
		if p.Value.In == "query" {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// refuses expects that a route refuses a query, and points at what is wrong with it.
func (w *world) refuses(path, query, pointer string) {
	w.t.Helper()
	a := w.do("GET", path+"?"+query, "")
	p := a.problem(w.t)
	if a.status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != pointer || p.Errors[0].In != "query" {
		w.t.Errorf("%s: %d %s", fmt.Sprint(path, "?", query), a.status, a.body)
	}
}
