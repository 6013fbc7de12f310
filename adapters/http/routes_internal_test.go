package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

func newAPI() *api {
	store := new(memory.EventStore)
	return (&Server{
		Commands: &commands.Handler{Store: store, Lookup: make(commands.Lookup, 32)},
		Queries:  projections.Queries{Store: store, Views: new(memory.Views)},
		Log:      slog.New(slog.DiscardHandler),
		Twilio:   Twilio{Verify: func(string, []byte, string) bool { return false }},
		Callbacks: map[string]Callback{
			"acme": {Verify: func(string, []byte, string) bool { return false }},
		},
	}).build()
}

// concrete is a pattern as a request.
func concrete(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{id}", "msg_1", "{number}", "+14155552671", "{provider}", "acme", "{file}", "message.accepted.1.json").Replace(path)
}

func TestEveryRouteDeclaresWhoMayTakeIt(t *testing.T) {
	a := newAPI()
	a.close() // so that nothing waits
	key, err := a.Commands.IssueKey(t.Context(), commands.Caller{}, commands.IssueKey{Tenant: "acme", Scopes: []string{"messages:read"}})
	if err != nil {
		t.Fatal(err)
	}
	answers := func(route route, secret string) int {
		method, path := concrete(route.pattern)
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		recorded := httptest.NewRecorder()
		a.ServeHTTP(recorded, r)
		return recorded.Code
	}
	for _, route := range a.routes() {
		stranger, reader := answers(route, ""), answers(route, key.Secret)
		switch route.access {
		case read:
			if stranger != http.StatusUnauthorized || reader == http.StatusForbidden {
				t.Errorf("%s: a stranger gets %d, a reader %d", route.pattern, stranger, reader)
			}
		case write, admin:
			if stranger != http.StatusUnauthorized || reader != http.StatusForbidden {
				t.Errorf("%s: a stranger gets %d, a reader %d", route.pattern, stranger, reader)
			}
		case signed:
			if stranger != http.StatusForbidden || reader != http.StatusForbidden {
				t.Errorf("%s: without signature a stranger gets %d, a reader %d", route.pattern, stranger, reader)
			}
		case public, exempt:
			if stranger != http.StatusOK {
				t.Errorf("%s: a stranger gets %d", route.pattern, stranger)
			}
		default:
			t.Errorf("%s declares nobody", route.pattern)
		}
		if route.access != read && strings.HasPrefix(route.pattern, "GET /v1/") && route.access != admin {
			t.Errorf("%s only reads, and needs %s", route.pattern, route.access)
		}
	}
}

// document is what the tests look at in openapi.json.
type document struct {
	Paths map[string]map[string]struct {
		Security  []map[string][]string
		Responses map[string]any
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct{ Enum []string }
		}
	}
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheContractHasExactlyTheRoutesThatExist(t *testing.T) {
	d := readDocument(t)
	described := map[string]bool{}
	for path, operations := range d.Paths {
		for method := range operations {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, r := range newAPI().routes() {
		if !described[r.pattern] {
			t.Errorf("%s is not in the contract", r.pattern)
			continue
		}
		delete(described, r.pattern)
		method, path, _ := strings.Cut(r.pattern, " ")
		operation := d.Paths[path][strings.ToLower(method)]
		var scopes []string
		for _, security := range operation.Security {
			scopes = append(scopes, security["key"]...)
		}
		var want []string
		if slices.Contains(domain.Scopes, domain.Scope(r.access)) {
			want = []string{string(r.access)}
		}
		if !slices.Equal(scopes, want) {
			t.Errorf("%s needs %v, and the contract says %v", r.pattern, want, scopes)
		}
	}
	for pattern := range described {
		t.Errorf("%s is in the contract and not here", pattern)
	}
}

func TestTheContractListsEveryCodeOfARefusal(t *testing.T) {
	codes := readDocument(t).Components.Schemas["Problem"].Properties["code"].Enum
	for _, r := range refusals {
		if !slices.Contains(codes, r.code) {
			t.Errorf("%s is missing", r.code)
		}
	}
	if !slices.IsSorted(codes) {
		t.Error("the codes are not sorted")
	}
}

func TestTheContractNamesTheStatusesOfTheDomain(t *testing.T) {
	var d struct {
		Components struct {
			Schemas struct {
				Status struct{ Enum []domain.Status }
			}
		}
	}
	if err := json.Unmarshal(openAPI, &d); err != nil || !slices.Equal(d.Components.Schemas.Status.Enum, domain.Statuses) {
		t.Errorf("statuses %v, %v", d.Components.Schemas.Status.Enum, err)
	}
}
