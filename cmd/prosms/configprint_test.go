package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// hidden is part of every secret below.
const hidden = "correct-horse-battery-staple"

func printed(t *testing.T, environ []string, flags ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), process{Args: append([]string{"config", "print"}, flags...), Environ: environ, Stdout: &out, Stderr: &out})
	return out.String(), err
}

func TestTheConfigurationIsPrintedWithoutItsSecrets(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef" + hidden)[:32])
	environ := []string{
		"DATABASE_URL=postgres://prosms:" + hidden + "@db.example.com/prosms", "RABBITMQ_URL=amqp://prosms:" + hidden + "@mq.example.com/",
		"TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000", "TWILIO_AUTH_TOKEN=" + hidden, "TWILIO_FROM=+15005550006",
		"PROSMS_MASTER_KEY=" + key, "PROSMS_MASTER_KEY_PREVIOUS=env:OLD", "OLD=" + key,
	}
	for _, flags := range [][]string{nil, {"--json"}} {
		got, err := printed(t, environ, flags...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got, hidden) || strings.Contains(got, key) {
			t.Errorf("%v prints a secret", flags)
		}
		for _, want := range []string{"prosms@db.example.com", "prosms@mq.example.com", "env:OLD", "PROSMS_LOG_LEVEL"} {
			if !strings.Contains(got, want) {
				t.Errorf("%v: there is no %s in\n%s", flags, want, got)
			}
		}
	}
	got, err := printed(t, environ, "--json")
	var settings []struct{ Name, Value, Origin, About string }
	if err != nil || json.Unmarshal([]byte(got), &settings) != nil {
		t.Fatalf("not JSON: %v\n%s", err, got)
	}
	for _, s := range settings {
		if s.Name == "TWILIO_AUTH_TOKEN" && (s.Value != "****" || s.Origin != "environment") || s.Name == "PROSMS_LOG_LEVEL" && (s.Value != "info" || s.Origin != "default") {
			t.Errorf("%+v", s)
		}
	}
}

func TestAConfigurationWithFaultsIsPrintedAllTheSame(t *testing.T) {
	got, err := printed(t, []string{"DATABASE_URL=sqlite:///a.db", "PROSMS_LOG_LEVEL=loud", "TWILIO_AUTH_TOKEN=" + hidden})
	if err == nil || !strings.Contains(err.Error(), "PROSMS_LOG_LEVEL") {
		t.Errorf("the fault is not told: %v", err)
	}
	if !strings.Contains(got, "PROSMS_LOG_LEVEL") || strings.Contains(got+err.Error(), hidden) {
		t.Errorf("%s\n%v", got, err)
	}
}
