package awssecrets_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/awssecrets"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// fakeAWS answers GetSecretValue in AWS's JSON protocol.
type fakeAWS struct {
	mu      sync.Mutex
	secrets map[string]map[string]any // what it answers, by name
}

// Put implements porttest.SecretStore.
func (f *fakeAWS) Put(path string, fields map[string]string) {
	object, err := json.Marshal(fields)
	if err != nil {
		panic(err) // of strings: cannot be
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets[path] = map[string]any{"Name": path, "SecretString": string(object)}
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "no"})
	}
	var asked struct{ SecretId string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		refuse("InvalidRequestException")
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIDTEST/") || !strings.Contains(r.Header.Get("Authorization"), "/eu-north-1/secretsmanager/") {
		refuse("UnrecognizedClientException")
		return
	}
	secret, ok := f.secrets[asked.SecretId]
	if !ok {
		refuse("ResourceNotFoundException")
		return
	}
	_ = json.NewEncoder(w).Encode(secret)
}

func open(t *testing.T, url string) ports.Secrets {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": url, "AWS_REGION": "eu-north-1",
		"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "k", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	secrets, err := awssecrets.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

func TestSecrets(t *testing.T) {
	porttest.Secrets(t, func() porttest.SecretStore { return &fakeAWS{secrets: map[string]map[string]any{}} }, open)
}

func TestASecretWithoutFieldsIsReadWhole(t *testing.T) {
	fake := &fakeAWS{secrets: map[string]map[string]any{
		"text":   {"SecretString": "just a token"},
		"number": {"SecretString": "12"},
		"bytes":  {"SecretBinary": []byte("\x00\xff")},
		"object": {"SecretString": `{"port":5432,"token":"t"}`},
	}}
	secrets := open(t, porttest.Serve(t, fake))
	for path, want := range map[string]map[string]string{
		"text": {"": "just a token"}, "number": {"": "12"}, "bytes": {"": "\x00\xff"}, "object": {"port": "5432", "token": "t"},
	} {
		got, err := secrets.Read(t.Context(), path)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s = %q, want %q", path, name, got[name], value)
			}
		}
	}
}
