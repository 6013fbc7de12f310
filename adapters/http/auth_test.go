package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

func TestWhoIsNotLetInIsToldHowToAskAndNotWhy(t *testing.T) {
	w := newWorld(t)
	revoked := w.issue(commands.IssueKey{Tenant: "acme"}, domain.ScopeAdmin)
	if err := w.commands.RevokeKey(t.Context(), commands.Caller{}, revoked.ID); err != nil {
		t.Fatal(err)
	}
	w.commands.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
	expired := w.issue(commands.IssueKey{Tenant: "acme", ExpiresAt: time.Now().Add(-time.Hour).Format(time.RFC3339)}, domain.ScopeAdmin)
	w.commands.Now = nil
	live := w.newKey("acme", domain.ScopeAdmin)

	const invalid = `Bearer realm="prosms", error="invalid_token"`
	for _, tt := range []struct{ name, header, code, challenge string }{
		{"no key", "", "missing_key", `Bearer realm="prosms"`},
		{"another scheme", "Basic Zm9vOmJhcg==", "missing_key", `Bearer realm="prosms"`},
		{"an unknown key", "Bearer psk_live_nobody_secret", "invalid_key", invalid},
		{"a revoked key", "Bearer " + revoked.Secret, "invalid_key", invalid},
		{"an expired key", "Bearer " + expired.Secret, "invalid_key", invalid},
		{"a live key as a test key", "Bearer " + strings.Replace(live, "psk_live_", "psk_test_", 1), "invalid_key", invalid},
		{"a key cut short", "Bearer " + live[:len(live)-1], "invalid_key", invalid},
	} {
		a := w.do("GET", "/v1/messages", "", "Authorization: "+tt.header)
		if p := a.problem(t); a.status != http.StatusUnauthorized || p.Code != tt.code || a.header.Get("WWW-Authenticate") != tt.challenge {
			t.Errorf("%s: %d %s, %s", tt.name, a.status, p.Code, a.header.Get("WWW-Authenticate"))
		}
	}
	if a := w.do("GET", "/v1/messages", "", "Authorization: bearer  "+live); a.status != http.StatusOK {
		t.Errorf("the name of the scheme has no case, but the answer is %d", a.status)
	}
}

func TestEachScopeOpensWhatItIsForAndAdminAll(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	keys := map[domain.Scope]string{}
	for _, scope := range domain.Scopes {
		keys[scope] = w.newKey("acme", scope)
	}
	for route, needed := range map[string]domain.Scope{
		"POST /v1/messages/preview":           domain.ScopeWrite,
		"POST /v1/messages/" + id + "/cancel": domain.ScopeWrite,
		"GET /v1/messages/" + id:              domain.ScopeRead,
		"GET /v1/messages":                    domain.ScopeRead,
		"GET /v1/keys":                        domain.ScopeAdmin,
	} {
		method, path, _ := strings.Cut(route, " ")
		body := ""
		if strings.HasSuffix(path, "preview") {
			body = text()
		}
		for scope, key := range keys {
			a := w.do(method, path, body, "Authorization: Bearer "+key)
			if allowed := scope == needed || scope == domain.ScopeAdmin; (a.status == http.StatusForbidden) == allowed {
				t.Errorf("%s with %s: %d", route, scope, a.status)
			}
		}
	}
}

func TestAKeyIsLoadedOncePerTTLHoweverManyAsk(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(s *api.Server) { s.Now = func() time.Time { return now } })
	ask := func(key string) { w.do("GET", "/v1/messages", "", "Authorization: Bearer "+key) }
	before := w.store.loads.Load()
	for range 5 {
		ask(w.key)
		ask("psk_live_nobody_secret") // whoever guesses does not get through to the store either
	}
	if loads := w.store.loads.Load() - before; loads != 2 {
		t.Errorf("%d loads", loads)
	}
	now = now.Add(time.Second)
	ask(w.key)
	if loads := w.store.loads.Load() - before; loads != 3 {
		t.Errorf("%d loads after a second", loads)
	}
}

func TestAKeyRevokedElsewhereOpensNothingAfterTheTTL(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(s *api.Server) { s.Now = func() time.Time { return now } })
	issued := w.issue(commands.IssueKey{Tenant: "acme"}, domain.ScopeRead)
	ask := func() int {
		return w.do("GET", "/v1/messages", "", "Authorization: Bearer "+issued.Secret).status
	}
	if status := ask(); status != http.StatusOK {
		t.Fatalf("answer %d", status)
	}
	if err := w.commands.RevokeKey(t.Context(), commands.Caller{}, issued.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if status := ask(); status != http.StatusUnauthorized {
		t.Errorf("answer %d", status)
	}
}

func TestARequestIDIsAnsweredAndKeptOutOfHarm(t *testing.T) {
	w := newWorld(t)
	for given, kept := range map[string]bool{
		"order-7.b_2": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "14155552671": false, "a b": false, "a+b": false, "ä": false,
	} {
		got := w.do("GET", "/livez", "", "X-Request-Id: "+given).header.Get("X-Request-Id")
		if got == "" || (got == given) != kept {
			t.Errorf("%q is answered %q", given, got)
		}
	}
}

func TestATraceParentThatIsNoneIsNotStored(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"00-1", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		recorded, err := w.store.Load(t.Context(), w.accept(text(), "Traceparent: "+header))
		if err != nil || recorded[0].Meta.TraceParent != "" {
			t.Errorf("%s is stored as %q, %v", header, recorded[0].Meta.TraceParent, err)
		}
	}
}
