package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/oidc"
	"github.com/pro-sms/prosms/domain"
)

func TestSettingsOfSingleSignOn(t *testing.T) {
	c, err := loadConfig([]string{
		"PROSMS_OIDC_ISSUER=https://login.example.com/", "PROSMS_OIDC_CLIENT_ID=prosms", "PROSMS_OIDC_CLIENT_SECRET=s3cret", "PROSMS_ADMIN_URL=https://sms.example.com/",
		"PROSMS_OIDC_ROLES=admin=cn=admins,ou=sms; viewer=staff;", "PROSMS_OIDC_EMAIL_DOMAINS=Example.com, example.org",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []oidc.Grant{{Role: domain.RoleAdmin, Value: "cn=admins,ou=sms"}, {Role: domain.Viewer, Value: "staff"}}
	if !slices.Equal(c.OIDC.Roles, want) || !slices.Equal(c.OIDC.Domains, []string{"example.com", "example.org"}) ||
		c.OIDC.Issuer != "https://login.example.com/" || c.OIDC.RedirectURL != "https://sms.example.com/oidc/callback" || !c.PasswordSignIn {
		t.Errorf("got %+v", c.OIDC)
	}
	for _, s := range c.shown {
		if s.Name == "PROSMS_OIDC_CLIENT_SECRET" && s.Value != "****" {
			t.Errorf("the secret is shown as %q", s.Value)
		}
	}
	for name, environ := range map[string][]string{
		"PROSMS_PASSWORD_SIGN_IN":   {"PROSMS_PASSWORD_SIGN_IN=false"},
		"PROSMS_OIDC_ROLES":         {"PROSMS_OIDC_ROLES=root=staff"},
		"PROSMS_OIDC_EMAIL_DOMAINS": {"PROSMS_OIDC_EMAIL_DOMAINS=*.example.com"},
		"PROSMS_OIDC_SCOPES":        {"PROSMS_OIDC_SCOPES=email"},
		"PROSMS_OIDC_CLIENT_ID":     {"PROSMS_OIDC_ISSUER=https://login.example.com"},
		"PROSMS_ADMIN_URL":          {"PROSMS_OIDC_ISSUER=https://login.example.com"},
		"PROSMS_OIDC_ISSUER":        {"PROSMS_OIDC_ISSUER=login.example.com"},
	} {
		if _, err := loadConfig(environ); err == nil || !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
