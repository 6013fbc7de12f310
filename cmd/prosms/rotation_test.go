package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// vaultAndProvider stand in for a Vault with one secret, team/prosms#token, and for
// a provider, of either kind, that knows the token of its own.
type vaultAndProvider struct {
	mu           sync.Mutex
	kept, wanted string
	gone         bool // the Vault
	reads        int
}

func (v *vaultAndProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, password, _ := r.BasicAuth()
	switch bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case r.URL.Path == "/v1/team/prosms" && !v.gone:
		v.reads++
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"token": v.kept}})
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":[]}`))
	case password != v.wanted && bearer != v.wanted:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id":"1","sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`))
	}
}

func (v *vaultAndProvider) set(kept, wanted string, gone bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept, v.wanted, v.gone = kept, wanted, gone
}

func TestAProviderThatCallsASecretWrongHasItReadAnewAndTheLastGoodOneStays(t *testing.T) {
	for kind, provider := range map[string]string{
		"twilio": "{name: one, from: '+15005550006', twilio: {account_sid: AC1, auth_token: 'vault:team/prosms#token', base_url: URL}}",
		"http":   "{name: one, http: {request: {url: URL, form: {to: '{to}', text: '{body}'}}, auth: {bearer: 'vault:team/prosms#token'}, response: {id: id}}}",
	} {
		t.Run(kind, func(t *testing.T) {
			servers := &vaultAndProvider{kept: "first-secret", wanted: "first-secret"}
			server := httptest.NewServer(servers)
			t.Cleanup(server.Close)
			t.Setenv("VAULT_ADDR", server.URL)
			t.Setenv("VAULT_TOKEN", "t")
			t.Setenv("VAULT_MAX_RETRIES", "0")
			file := filepath.Join(t.TempDir(), "providers.yml")
			if err := os.WriteFile(file, []byte("providers: ["+strings.ReplaceAll(provider, "URL", "'"+server.URL+"'")+"]"), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := loadConfig([]string{"PROSMS_CONFIG=" + file})
			if err != nil {
				t.Fatal(err)
			}
			var logged bytes.Buffer
			var p providers
			if err := p.add(c, slog.New(slog.NewTextHandler(&logged, nil))); err != nil {
				t.Fatal(err)
			}
			send := func(want domain.Class) {
				t.Helper()
				got := p.Live.Send(t.Context(), ports.Text{MessageID: "msg_1", Attempt: 1, To: "+14155552671", Body: "hello"})
				if got.Class != want {
					t.Fatalf("sending: %s %s, want %s", got.Class, got.Detail, want)
				}
			}
			suspected := func() bool {
				select {
				case <-p.rotation.wrong:
					return true
				default:
					return false
				}
			}
			send(domain.ClassSent)
			p.rotation.refresh(t.Context())
			if suspected() || p.rotation.providers[0].current.Load().previous != nil {
				t.Error("a secret that is right was taken for a new one")
			}
			servers.set("second-secret", "second-secret", true)
			send(domain.ClassProviderWide)
			if !suspected() {
				t.Fatal("a 401 does not have the secret read")
			}
			p.rotation.refresh(t.Context()) // in vain: the Vault is gone
			servers.set("second-secret", "first-secret", true)
			send(domain.ClassSent) // by the last good one
			servers.set("second-secret", "second-secret", false)
			p.rotation.refresh(t.Context())
			send(domain.ClassSent)
			if text := logged.String(); strings.Contains(text, "-secret") || !strings.Contains(text, "the last ones stay") || !strings.Contains(text, "secrets have changed") {
				t.Errorf("the log says:\n%s", text)
			}
		})
	}
}

func TestSecretsAreReadAnewAsOftenAsIsSet(t *testing.T) {
	read := make(chan struct{})
	r := &rotation{
		every: time.Millisecond, shortest: time.Millisecond, wrong: make(chan struct{}, 1), log: slog.New(slog.DiscardHandler),
		reread: func(ctx context.Context) ([]ProviderConfig, error) {
			select {
			case read <- struct{}{}:
			case <-ctx.Done():
			}
			return nil, nil
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-read
	<-read
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCallbacksThatAreSignedForTheSecretBeforeStillCount(t *testing.T) {
	config := func(token ports.Secret) ProviderConfig {
		return ProviderConfig{Name: "one", From: "+15005550006", Twilio: &twilioConfig{AccountSID: "AC1", AuthToken: token}}
	}
	c := Config{Concurrency: 1, ProviderTimeout: time.Second}
	r := &rotation{open: c.open, wrong: make(chan struct{}, 1), log: slog.New(slog.DiscardHandler)}
	kept, err := r.add(config("a"))
	if err != nil {
		t.Fatal(err)
	}
	holds := func(token ports.Secret) bool {
		return kept.verified(func(p ProviderConfig) bool { return p.Twilio.AuthToken == token })
	}
	if !holds("a") || holds("b") || len(r.wrong) != 1 {
		t.Error("before: a signature for an unknown secret counts, or does not have it read")
	}
	kept.take(config("b"))
	if !holds("a") || !holds("b") {
		t.Error("after a change one of both secrets does not count")
	}
	kept.take(config("c"))
	if holds("a") || !holds("b") || !holds("c") {
		t.Error("after another change the first counts still, or one of the others does not")
	}
}
