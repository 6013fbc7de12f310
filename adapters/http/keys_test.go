package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

func TestAKeyIsIssuedShownOnceAndRevoked(t *testing.T) {
	w := newWorld(t)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	a := w.do("POST", "/v1/keys", `{"scopes":["messages:read"],"expires_at":"`+until+`"}`)
	issued := a.decode(t)
	id, key := issued["id"].(string), issued["key"].(string)
	if a.status != http.StatusCreated || issued["tenant"] != "acme" || issued["test"] != false || issued["expires_at"] != until {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if issued["revoked_at"] != nil || !strings.HasPrefix(key, "psk_live_"+id+"_") {
		t.Errorf("issued as %s", a.body)
	}
	if a := w.do("GET", "/v1/messages", "", "Authorization: Bearer "+key); a.status != http.StatusOK {
		t.Errorf("it opens %d", a.status)
	}
	w.catchUp()
	listed := w.do("GET", "/v1/keys", "")
	if ids := listed.ids(t); !slices.Contains(ids, id) || strings.Contains(listed.body, key) {
		t.Errorf("listed as %s", listed.body)
	}
	for range 2 {
		if a := w.do("DELETE", "/v1/keys/"+id, ""); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("revoking: %d %s", a.status, a.body)
		}
	}
	if a := w.do("GET", "/v1/messages", "", "Authorization: Bearer "+key); a.status != http.StatusUnauthorized {
		t.Errorf("revoked, it still opens: %d", a.status)
	}
	w.catchUp()
	first := w.do("GET", "/v1/keys?limit=1", "").decode(t)
	if first["data"].([]any)[0].(map[string]any)["revoked_at"] == nil || first["next_cursor"] == nil {
		t.Errorf("listed as %v", first)
	}
}

func TestKeysOfAnotherTenantDoNotExist(t *testing.T) {
	w := newWorld(t)
	own := strings.Split(w.key, "_")[2]
	w.key = w.newKey("other", "admin")
	w.catchUp()
	if a := w.do("DELETE", "/v1/keys/"+own, ""); a.status != http.StatusNotFound {
		t.Errorf("revoking: %d", a.status)
	}
	if ids := w.do("GET", "/v1/keys", "").ids(t); len(ids) != 1 || ids[0] == own {
		t.Errorf("listed: %v", ids)
	}
}

func TestATestKeyMakesTestKeysOnly(t *testing.T) {
	w := newWorld(t)
	w.key = w.newTestKey("acme")
	a := w.do("POST", "/v1/keys", `{"scopes":["admin"]}`)
	if a.status != http.StatusCreated || a.decode(t)["test"] != true {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	if a := w.do("POST", "/v1/keys", `{"scopes":["admin"],"test":false}`); a.status != http.StatusUnprocessableEntity || a.problem(t).Errors[0].Pointer != "/test" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}

func TestTheUseOfAKeyIsNotedOnceAMinute(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	uses := new(memory.KeyUses)
	w := newWorld(t, func(s *api.Server) { s.Now, s.KeyUses = func() time.Time { return now }, uses })
	unused := w.issue(commands.IssueKey{Tenant: "acme"}, domain.ScopeRead).ID
	w.catchUp()
	lastUsed := func() map[string]any {
		last := map[string]any{}
		for _, k := range w.do("GET", "/v1/keys", "").decode(t)["data"].([]any) {
			last[k.(map[string]any)["id"].(string)] = k.(map[string]any)["last_used_at"]
		}
		return last
	}
	own, first := strings.Split(w.key, "_")[2], now
	for _, step := range []struct {
		later time.Duration
		want  time.Time
	}{{0, first}, {59 * time.Second, first}, {time.Second, first.Add(time.Minute)}} {
		now = now.Add(step.later)
		if last := lastUsed(); last[own] != step.want.Format(time.RFC3339Nano) || last[unused] != nil {
			t.Errorf("last used %v, want %v", last, step.want)
		}
	}
	w.do("GET", "/v1/keys", "", "Authorization: Bearer psk_live_"+unused+"_wrong")
	if last, err := uses.LastUsed(t.Context(), []string{unused}); err != nil || len(last) != 0 {
		t.Errorf("who does not get in has used the key: %v, %v", last, err)
	}
}
