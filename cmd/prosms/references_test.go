package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// serveSecrets stands in for Vault (engine of version 1) and for Secrets Manager:
// both know one secret, team/prosms. It counts how often it is read.
func serveSecrets(t *testing.T) *atomic.Int32 {
	t.Helper()
	fields := map[string]string{"token": "from the store", "database": "postgres://from/store"}
	var reads atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		object, err := json.Marshal(fields)
		switch {
		case err != nil:
			t.Error(err)
		case asked.SecretId == "team/prosms":
			reads.Add(1)
			_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": string(object)})
		case r.URL.Path == "/v1/team/prosms":
			reads.Add(1)
			_ = json.NewEncoder(w).Encode(map[string]any{"data": fields})
		case asked.SecretId != "":
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"__type": "ResourceNotFoundException"})
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors":[]}`))
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"VAULT_ADDR": server.URL, "VAULT_TOKEN": "t", "AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-north-1",
		"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "k",
	} {
		t.Setenv(name, value)
	}
	return &reads
}

func TestASecretMayStandInVaultAndInSecretsManager(t *testing.T) {
	for _, kind := range []string{"vault", "awssm"} {
		reads := serveSecrets(t)
		file := filepath.Join(t.TempDir(), "providers.yml")
		err := os.WriteFile(file, []byte("providers:\n- name: second\n  from: '+15005550006'\n  twilio: {account_sid: AC2, auth_token: '"+kind+":team/prosms#token'}\n"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig([]string{
			"TWILIO_ACCOUNT_SID=AC1", "TWILIO_FROM=+15005550006", "TWILIO_AUTH_TOKEN=" + kind + ":team/prosms#token",
			"DATABASE_URL=" + kind + ":team/prosms#database", "PROSMS_CONFIG=" + file,
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.TwilioAuthToken != "from the store" || c.DatabaseURL != "postgres://from/store" || c.Providers[1].Twilio.AuthToken != "from the store" {
			t.Errorf("%s: the secrets were not read", kind)
		}
		if n := reads.Load(); n != 1 {
			t.Errorf("%s: read %d times, want once", kind, n)
		}
	}
}

func TestAReferenceThatLeadsNowhereIsNamedByItsVariable(t *testing.T) {
	serveSecrets(t)
	for reference, want := range map[string]string{
		"vault:team/other#token":  "no such secret",
		"awssm:team/other#token":  "no such secret",
		"vault:team/prosms#other": "field that the secret does not have",
		"awssm:team/prosms":       "field that the secret does not have",
		"vault:team/prosms":       "refers to no secret",
		"vault:#token":            "refers to no secret",
	} {
		_, err := loadConfig([]string{"RABBITMQ_URL=" + reference})
		if err == nil || !strings.Contains(err.Error(), "RABBITMQ_URL: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", reference, err, want)
		} else if strings.Contains(err.Error(), "team") {
			t.Errorf("the fault quotes the reference: %v", err)
		}
	}
}

// TestAReferenceThatCannotBeReadIsOneFault: not another, that the setting is missing.
func TestAReferenceThatCannotBeReadIsOneFault(t *testing.T) {
	const nowhere = "file:/no/such/file"
	for _, environ := range [][]string{
		{"TWILIO_ACCOUNT_SID=AC1", "TWILIO_FROM=+15005550006", "TWILIO_AUTH_TOKEN=" + nowhere},
		{"PROSMS_HEAD_FILE=heads", "PROSMS_HEAD_KEY=" + nowhere},
		{"DATABASE_URL=" + nowhere},
	} {
		_, err := loadConfig(environ)
		if err == nil {
			t.Errorf("%s: accepted", environ)
		} else if faults := strings.Count(err.Error(), "\n") + 1; faults != 1 {
			t.Errorf("%s: %d faults:\n%v", environ, faults, err)
		}
	}
}
