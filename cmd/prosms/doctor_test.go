package main

import (
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/twilio"
)

func TestACureNamesWhereAProviderIsSet(t *testing.T) {
	c := Config{TwilioAccountSID: "AC1"}
	for name, want := range map[string]string{twilio.DefaultName: "TWILIO_AUTH_TOKEN", "backup": `"$PROSMS_CONFIG"   # provider backup`} {
		if cure := cureCredentials(c, ProviderConfig{Name: name}); !strings.Contains(cure, want) {
			t.Errorf("the cure of %s is %s", name, cure)
		}
	}
}
