package api_test

import (
	"net/http"
	"net/netip"
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
	if ids := listed.ids(t); !slices.Contains(ids, id) || strings.Contains(listed.body, key) || !strings.Contains(listed.body, issued["created_at"].(string)) {
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

func TestARotatedKeyGoesOnForTheOverlap(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(s *api.Server) {
		s.Now = func() time.Time { return now }
		s.Commands.Now = s.Now
	})
	old := w.issue(commands.IssueKey{Tenant: "acme", AllowedIPs: []string{"127.0.0.1"}, Rate: 7}, domain.ScopeRead)
	a := w.do("POST", "/v1/keys/"+old.ID+"/rotate", `{"overlap":"10m"}`)
	issued := a.decode(t)
	successor, _ := issued["key"].(string)
	if a.status != http.StatusCreated || issued["rate"] != 7.0 || issued["allowed_ips"].([]any)[0] != "127.0.0.1/32" || issued["scopes"].([]any)[0] != "messages:read" {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if a := w.do("POST", "/v1/keys/"+old.ID+"/rotate", ""); a.status != http.StatusConflict || a.problem(t).Code != "key_ended" {
		t.Errorf("a second time: %d %s", a.status, a.body)
	}
	for _, overlap := range []string{"721h", "-1s", "a while"} {
		if a := w.do("POST", "/v1/keys/"+old.ID+"/rotate", `{"overlap":"`+overlap+`"}`); a.status != http.StatusUnprocessableEntity {
			t.Errorf("for %s: %d", overlap, a.status)
		}
	}
	w.catchUp()
	if listed := w.do("GET", "/v1/keys", ""); !strings.Contains(listed.body, `"successor":"`+issued["id"].(string)+`"`) {
		t.Errorf("listed as %s", listed.body)
	}
	for _, step := range []struct {
		later time.Duration
		old   int
	}{{0, http.StatusOK}, {10*time.Minute - time.Millisecond, http.StatusOK}, {time.Second, http.StatusUnauthorized}} {
		now = now.Add(step.later)
		if a := w.do("GET", "/v1/messages", "", w.as(old.Secret)); a.status != step.old {
			t.Errorf("the old key is answered %d, want %d", a.status, step.old)
		}
		if a := w.do("GET", "/v1/messages", "", w.as(successor)); a.status != http.StatusOK {
			t.Errorf("the new key is answered %d", a.status)
		}
	}
}

func TestAKeyOpensFromTheAddressesThatItNamesOnly(t *testing.T) {
	w := newWorld(t, func(s *api.Server) { s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	key := w.do("POST", "/v1/keys", `{"scopes":["messages:read"],"allowed_ips":["192.0.2.0/24","2001:db8::7"]}`).decode(t)["key"].(string)
	for from, want := range map[string]int{
		"192.0.2.9": 200, "198.51.100.1, 192.0.2.9": 200, "2001:db8::7": 200, "2001:db8::8": 403, "192.0.2.9, 198.51.100.1": 403, "": 403,
	} {
		a := w.do("GET", "/v1/messages", "", w.as(key), "X-Forwarded-For: "+from)
		if a.status != want || want == 403 && a.problem(t).Code != "address_not_allowed" {
			t.Errorf("from %q: %d %s", from, a.status, a.body)
		}
	}
	for _, network := range []string{"example.com", "192.0.2.0/33", "::ffff:192.0.2.0/120", "fe80::1%eth0"} {
		if a := w.do("POST", "/v1/keys", `{"scopes":["messages:read"],"allowed_ips":["`+network+`"]}`); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s is taken: %d", network, a.status)
		}
	}
}

func TestAKeysOwnRateIsBelowThatOfAllKeys(t *testing.T) {
	w := newWorld(t, func(s *api.Server) { s.Limiter, s.RatePerKey = new(memory.Limiter), 10 })
	for own, want := range map[int]string{3: "q=6", 0: "q=20", 50: "q=20"} {
		key := w.issue(commands.IssueKey{Tenant: "acme", Rate: own}, domain.ScopeRead).Secret
		if policy := w.do("GET", "/v1/messages", "", w.as(key)).header.Get("RateLimit-Policy"); !strings.Contains(policy, want) {
			t.Errorf("with %d a second of its own: %s", own, policy)
		}
	}
}
