package systemtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// vaults are where a secret can stand: a file, a Vault (engine of version 1) and AWS
// Secrets Manager.
type vaults struct {
	file    string
	kept    atomic.Pointer[string]
	environ []string
}

func newVaults(t *testing.T, secret string) *vaults {
	t.Helper()
	v := &vaults{file: filepath.Join(t.TempDir(), "token")}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	v.environ = []string{
		"VAULT_ADDR=" + server.URL, "VAULT_TOKEN=t", "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=eu-north-1",
		"AWS_ACCESS_KEY_ID=AKIDTEST", "AWS_SECRET_ACCESS_KEY=k",
	}
	v.keep(t, secret)
	return v
}

// keep changes the secret in all of them.
func (v *vaults) keep(t *testing.T, secret string) {
	t.Helper()
	if err := os.WriteFile(v.file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.kept.Store(&secret)
}

func (v *vaults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct{ SecretId string }
	_ = json.NewDecoder(r.Body).Decode(&asked) // a Vault is asked without a body
	fields := map[string]string{"token": *v.kept.Load()}
	switch {
	case asked.SecretId == "team/prosms":
		object, _ := json.Marshal(fields) // strings always can be
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": string(object)})
	case r.URL.Path == "/v1/team/prosms":
		_ = json.NewEncoder(w).Encode(map[string]any{"data": fields})
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"errors":[]}`))
	}
}

// changed is a provider that has another token than the one it was begun with: it
// refuses every other.
func (r *rig) changed(token *atomic.Pointer[string]) (url string) {
	known := r.provider.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		account, password, _ := request.BasicAuth()
		if password != *token.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"code":20003,"message":"Authenticate","status":401}`))
			return
		}
		if err := request.ParseForm(); err != nil {
			r.t.Error(err)
		}
		request.PostForm.Del("StatusCallback") // which would be signed for rigToken
		text := request.PostForm.Encode()
		request.Body, request.ContentLength, request.Form, request.PostForm = io.NopCloser(strings.NewReader(text)), int64(len(text)), nil, nil
		request.SetBasicAuth(account, rigToken)
		known.ServeHTTP(w, request)
	}))
	r.t.Cleanup(server.Close)
	return server.URL
}

func TestAGatewayTakesTheSecretThatItsProviderHasByNow(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"file", "vault", "awssm"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			first, second := "first-secret", "second-secret"
			vaults := newVaults(t, first)
			reference := kind + ":team/prosms#token"
			if kind == "file" {
				reference = "file:" + vaults.file
			}
			r := newRig(t, false, append([]string{"PROSMS_SECRETS_REFRESH=1h", "PROSMS_RETRY_DELAYS=1s", "PROSMS_BREAKER_COOLDOWN=1s", "PROSMS_LOG_LEVEL=info"}, vaults.environ...)...)
			var wanted atomic.Pointer[string]
			wanted.Store(&first)
			r.replace("TWILIO_API_BASE_URL", r.changed(&wanted))
			r.replace("TWILIO_AUTH_TOKEN", reference)
			i := r.start()
			sent := func(id string) func() bool {
				return func() bool { return i.statusOf(id) == "dispatched" || i.statusOf(id) == "delivered" }
			}
			before := i.send("+14155552671", "before")
			eventually(t, 20*time.Second, "sent by the first secret", sent(before))

			wanted.Store(&second)
			vaults.keep(t, second)
			after := i.send("+14155552672", "after")
			eventually(t, 30*time.Second, "sent by the second secret", sent(after))
			var types []string
			for _, e := range i.timeline(after) {
				types = append(types, e.Type)
			}
			if got := strings.Join(types, " "); !strings.Contains(got, "message.failed message.retried message.attempted message.dispatched") {
				t.Errorf("it was not refused by the provider before: %s", got)
			}
			examined, _ := r.attempt("doctor") // which finds fault with other things
			if shown := i.output.String() + examined; strings.Contains(shown, "-secret") || !strings.Contains(shown, "secrets have changed") {
				t.Errorf("log and doctor say:\n%s", shown)
			}
			if len(r.ledger()) != 2 {
				t.Errorf("the provider took on %d texts, want 2", len(r.ledger()))
			}
		})
	}
}
