package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFaultOfTheEnvironmentIsNamedAtOnceAndNoValueShown(t *testing.T) {
	_, err := loadConfig([]string{
		"PROSMS_MAX_RETRIES=many", "PROSMS_RETRY_DELAYS=5m,30s", "PROSMS_TYPO=1", "DATABASE_URL=mysql://secret@host",
		"TWILIO_AUTH_TOKEN=secret", "PROSMS_MASTER_KEY=secret", "PROSMS_QUIET_HOURS=21:00-08:00", "PROSMS_DEFAULT_TENANT=a tenant", "PROSMS_IN_DOUBT_POLICY=maybe",
		"PROSMS_PUBLIC_URL=sms.example.com", "PROSMS_DEFAULT_REGION=USA", "PROSMS_PROVIDER_TIMEOUT=10m",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{
		"PROSMS_MAX_RETRIES", "PROSMS_RETRY_DELAYS", "PROSMS_TYPO", "DATABASE_URL", "TWILIO_AUTH_TOKEN",
		"PROSMS_MASTER_KEY", "PROSMS_QUIET_HOURS", "PROSMS_DEFAULT_TENANT", "PROSMS_IN_DOUBT_POLICY", "PROSMS_PUBLIC_URL", "PROSMS_DEFAULT_REGION", "PROSMS_PROVIDER_TIMEOUT",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "many") {
		t.Errorf("a value is shown in:\n%v", err)
	}
}

func TestANameThatIsAlmostASettingIsToldWithTheOneThatIsMeant(t *testing.T) {
	for name, meant := range map[string]string{
		"TWILIO_AUTHTOKEN": "TWILIO_AUTH_TOKEN", "TWILIO_ACOUNT_SID": "TWILIO_ACCOUNT_SID", "TWILIO_MESSAGING_SERVICE_ID": "TWILIO_MESSAGING_SERVICE_SID",
		"TWILIO_API_BASEURL": "TWILIO_API_BASE_URL", "TWILIO_FORM": "TWILIO_FROM", "PROSMS_MAX_RETRY": "", "PROSMS_MASTERKEY": "PROSMS_MASTER_KEY",
	} {
		if _, err := loadConfig([]string{name + "=x"}); err == nil || !strings.Contains(err.Error(), name+": no such setting") || !strings.Contains(err.Error(), meant) {
			t.Errorf("%s: %v, want %q named", name, err, meant)
		}
	}
	// Other programs', and what references may name.
	others := []string{
		"TWILIO_API_KEY=x", "TWILIO_API_SECRET=x", "TWILIO_REGION=x", "TWILIO_EDGE=x", "TWILIO_PHONE_NUMBER=x", "TWILIO_VERIFY_SERVICE_SID=x",
		"TWILIO_AUTH_TOKEN_2=x", "TWILIO_US_SID=x", "TWILIO_FROM2=x",
	}
	if _, err := loadConfig(others); err != nil {
		t.Errorf("others' names: %v", err)
	}
}

func TestASecretMayBeAReference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig([]string{
		"TWILIO_ACCOUNT_SID=AC1", "TWILIO_FROM=+15005550006", "TWILIO_AUTH_TOKEN=file:" + file,
		"DATABASE_URL=env:OTHER", "OTHER=postgres://from/another",
	})
	if err != nil || c.TwilioAuthToken != "from a file" || c.DatabaseURL != "postgres://from/another" {
		t.Errorf("token %q, database %q, %v", string(c.TwilioAuthToken), c.DatabaseURL, err)
	}
	for _, reference := range []string{"env:NOT_SET", "file:/no/such/file"} {
		if _, err := loadConfig([]string{"PROSMS_MASTER_KEY=" + reference}); err == nil || !strings.Contains(err.Error(), "PROSMS_MASTER_KEY") {
			t.Errorf("%s: %v, want a fault", reference, err)
		}
	}
}

func TestNothingButDefaultsGivesTheDefaults(t *testing.T) {
	c, err := loadConfig([]string{"PROSMS_QUIET_HOURS=09:00-20:00", "PROSMS_BREAKER_WINDOW=60s", "PROSMS_CONFIG="})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != ":8080" || c.MaxRetries != 5 || len(c.RetryDelays) != 5 || c.Concurrency != 128 {
		t.Errorf("got %+v", c)
	}
}

// example matches an assignment of .env.example, set or commented out.
var example = regexp.MustCompile(`(?m)^#? ?([A-Z][A-Z_]+)=(.*)$`)

func TestTheExampleNamesEverySettingWithItsDefault(t *testing.T) {
	file, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	settings := c.settings()
	found := example.FindAllStringSubmatch(string(file), -1)
	if len(found) != len(settings) {
		t.Errorf("%d variables in .env.example, %d settings", len(found), len(settings))
	}
	for i, s := range settings {
		if i < len(found) && (found[i][1] != s.name || found[i][2] != s.def) {
			t.Errorf("variable %d is %s=%s, want %s=%s", i+1, found[i][1], found[i][2], s.name, s.def)
		}
		if !strings.Contains(string(file), "# "+s.about) {
			t.Errorf("%s is not explained as %q", s.name, s.about)
		}
	}
}
