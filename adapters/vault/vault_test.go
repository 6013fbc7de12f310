package vault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/vault"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// fakeVault speaks as much of Vault's API as reading takes, with a key-value
// engine at team/.
type fakeVault struct {
	mu      sync.Mutex
	version string // of the engine
	blind   bool   // nobody may ask for the engine's version
	secrets map[string]any
}

// Put implements porttest.SecretStore.
func (f *fakeVault) Put(path string, fields map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets[path] = fields
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	_, mounts := strings.CutPrefix(path, "sys/internal/ui/mounts/")
	prefix := "team/"
	if f.version == "2" {
		prefix = "team/data/"
	}
	name, ours := strings.CutPrefix(path, prefix)
	secret, found := f.secrets["team/"+name]
	switch {
	case r.Header.Get("X-Vault-Token") != "t0ken", mounts && f.blind:
		reply(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
	case mounts:
		reply(http.StatusOK, map[string]any{"data": map[string]any{"path": "team/", "type": "kv", "options": map[string]any{"version": f.version}}})
	case !ours || !found:
		reply(http.StatusNotFound, map[string]any{"errors": []string{}})
	case f.version == "2":
		reply(http.StatusOK, map[string]any{"data": map[string]any{"data": secret, "metadata": map[string]any{"version": 3}}})
	default:
		reply(http.StatusOK, map[string]any{"data": secret})
	}
}

func open(t *testing.T, url string) ports.Secrets {
	t.Helper()
	t.Setenv("VAULT_ADDR", url)
	t.Setenv("VAULT_TOKEN", "t0ken")
	secrets, err := vault.Open()
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

func TestSecrets(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		t.Run("engine of version "+version, func(t *testing.T) {
			porttest.Secrets(t, func() porttest.SecretStore { return &fakeVault{version: version, secrets: map[string]any{}} }, open)
		})
	}
}

func TestAPathMayBeThatOfTheCommandLineOrOfTheAPI(t *testing.T) {
	for _, tt := range []struct {
		name, version, path string
		blind, found        bool
	}{
		{"version 2, as on the command line", "2", "team/prosms", false, true},
		{"version 2, as in the API", "2", "/team/data/prosms", false, true},
		{"version 2, as in the API, to a token that may read it alone", "2", "team/data/prosms", true, true},
		{"version 2, as on the command line, to a token that may read it alone", "2", "team/prosms", true, false},
		{"version 1", "1", "team/prosms", false, true},
		{"version 1, to a token that may read it alone", "1", "team/prosms", true, true},
	} {
		fake := &fakeVault{version: tt.version, blind: tt.blind, secrets: map[string]any{"team/prosms": map[string]any{"port": 5432, "on": true}}}
		fields, err := open(t, porttest.Serve(t, fake)).Read(t.Context(), tt.path)
		if found := err == nil && fields["port"] == "5432" && fields["on"] == "true"; found != tt.found {
			t.Errorf("%s: %q, %v", tt.name, fields, err)
		}
	}
}
