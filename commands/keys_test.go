package commands

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
)

var operator = Caller{Actor: "operator:ada"}

// opens reports whether a presented key is let in at a time.
func (w *world) opens(presented string, at time.Time) bool {
	w.t.Helper()
	credential, ok := ParseCredential(presented)
	if !ok {
		return false
	}
	key, err := w.handler.Key(w.t.Context(), credential)
	if err != nil {
		w.t.Fatal(err)
	}
	return credential.Opens(key, at)
}

func (w *world) issueKey(request IssueKey) IssuedKey {
	w.t.Helper()
	issued, err := w.handler.IssueKey(w.t.Context(), operator, request)
	if err != nil {
		w.t.Fatal(err)
	}
	return issued
}

func TestAKeyOpensAndItsSecretIsNowhereStored(t *testing.T) {
	for _, test := range []bool{false, true} {
		w := newWorld(t)
		issued := w.issueKey(IssueKey{Tenant: "acme", Scopes: []string{"messages:write"}, Test: test})
		format := regexp.MustCompile(`^psk_live_([a-z2-7]{12})_([A-Z2-7]{26,})$`)
		if test {
			format = regexp.MustCompile(`^psk_test_([a-z2-7]{12})_([A-Z2-7]{26,})$`)
		}
		parts := format.FindStringSubmatch(issued.Secret)
		if parts == nil || parts[1] != issued.ID {
			t.Fatalf("a key of another format, of %d characters", len(issued.Secret))
		}
		if !w.opens(issued.Secret, time.Now()) {
			t.Error("the key does not open")
		}
		recorded, err := w.store.Load(t.Context(), "key_"+issued.ID)
		if err != nil || len(recorded) != 1 || strings.Contains(string(recorded[0].RawData), parts[2]) {
			t.Errorf("%d events, %v; want one without the secret", len(recorded), err)
		}
		if m := recorded[0].Meta; m.Tenant != "acme" || m.Actor != operator.Actor {
			t.Errorf("issued on behalf of %+v", m)
		}
	}
}

func TestWhatIsNoKeyOpensNothing(t *testing.T) {
	w := newWorld(t)
	key := w.issueKey(IssueKey{Tenant: "acme", Scopes: []string{"admin"}}).Secret
	other := w.issueKey(IssueKey{Tenant: "other", Scopes: []string{"admin"}}).Secret
	p, q := strings.Split(key, "_"), strings.Split(other, "_")
	for name, presented := range map[string]string{
		"nothing":                    "",
		"a live key as a test key":   strings.Replace(key, "live", "test", 1),
		"of an unknown realm":        strings.Replace(key, "live", "dead", 1),
		"with another prefix":        "x" + key,
		"without a secret":           "psk_live_" + p[2] + "_",
		"without an id":              "psk_live__" + p[3],
		"with a part more":           key + "_x",
		"with a character more":      key + "A",
		"in lower case":              strings.ToLower(key),
		"with a space":               key + " ",
		"with the secret of another": "psk_live_" + p[2] + "_" + q[3],
		"of an unknown id":           "psk_live_aaaaaaaaaaaa_" + p[3],
		"far too long":               key + strings.Repeat("A", 128),
	} {
		if w.opens(presented, time.Now()) {
			t.Errorf("a key %s opens", name)
		}
	}
}

func TestAKeyOpensUntilItExpires(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2030, 1, 31, 8, 0, 0, 0, time.UTC)
	w.handler.Now = func() time.Time { return now }
	key := w.issueKey(IssueKey{Tenant: "acme", Scopes: []string{"admin"}, ExpiresAt: "2030-01-31T09:00:00Z"}).Secret
	if !w.opens(key, now.Add(time.Hour-1)) || w.opens(key, now.Add(time.Hour)) {
		t.Error("the key does not open up to its expiry, or does afterwards")
	}
}

func TestARevokedKeyOpensNothing(t *testing.T) {
	w := newWorld(t)
	issued := w.issueKey(IssueKey{Tenant: "acme", Scopes: []string{"admin"}})
	stranger := Caller{Tenant: "other", Actor: "key:x"}
	if err := w.handler.RevokeKey(t.Context(), stranger, issued.ID); !errors.Is(err, domain.ErrNotFound) || !w.opens(issued.Secret, time.Now()) {
		t.Errorf("another tenant revokes it: %v", err)
	}
	for _, owner := range []Caller{caller, operator} { // the second time does nothing
		if err := w.handler.RevokeKey(t.Context(), owner, issued.ID); err != nil || w.opens(issued.Secret, time.Now()) {
			t.Errorf("revoked by %s: %v, or it still opens", owner.Actor, err)
		}
	}
	w.expect("key_"+issued.ID, "key.issued", "key.revoked")
	if err := w.handler.RevokeKey(t.Context(), operator, "unknown"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("an unknown key is revoked: %v", err)
	}
}

func TestARequestForAKeyIsRefusedWithItsFaults(t *testing.T) {
	valid := IssueKey{Tenant: "acme", Scopes: []string{"admin"}}
	for _, tt := range []struct {
		name   string
		change func(*IssueKey)
		want   Fault
	}{
		{"no tenant", func(k *IssueKey) { k.Tenant = "" }, Fault{Pointer: "/tenant", Code: CodeInvalidValue}},
		{"a tenant with a space", func(k *IssueKey) { k.Tenant = "a b" }, Fault{Pointer: "/tenant", Code: CodeInvalidValue}},
		{"a tenant of 65 letters", func(k *IssueKey) { k.Tenant = strings.Repeat("a", 65) }, Fault{Pointer: "/tenant", Code: CodeInvalidValue}},
		{"no scope", func(k *IssueKey) { k.Scopes = nil }, Fault{Pointer: "/scopes", Code: CodeRequired}},
		{"an unknown scope", func(k *IssueKey) { k.Scopes = []string{"admin", "root"} }, Fault{Pointer: "/scopes/1", Code: CodeInvalidValue}},
		{"an expiry that has passed", func(k *IssueKey) { k.ExpiresAt = "2020-01-01T00:00:00Z" }, Fault{Pointer: "/expires_at", Code: CodeDatePassed}},
		{"an expiry that is none", func(k *IssueKey) { k.ExpiresAt = "never" }, Fault{Pointer: "/expires_at", Code: CodeInvalidDate}},
	} {
		w, request := newWorld(t), valid
		request.Scopes = slices.Clone(valid.Scopes)
		tt.change(&request)
		_, err := w.handler.IssueKey(t.Context(), operator, request)
		var invalid Invalid
		if !errors.As(err, &invalid) || len(invalid) != 1 || invalid[0].Pointer != tt.want.Pointer || invalid[0].Code != tt.want.Code {
			t.Errorf("%s: %v, want %s at %s", tt.name, err, tt.want.Code, tt.want.Pointer)
		}
		if head, err := w.store.Head(t.Context()); head.LastPosition != 0 || err != nil {
			t.Errorf("%s: something was stored, %v", tt.name, err)
		}
	}
}
