package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/oidc"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// checkSignIn finds what is wrong with how operators may come in.
func (c *Config) checkSignIn() []error {
	if c.OIDC.Issuer == "" {
		if !c.PasswordSignIn {
			return []error{errors.New("PROSMS_PASSWORD_SIGN_IN: false needs PROSMS_OIDC_ISSUER")}
		}
		return nil
	}
	var faults []error
	for name, missing := range map[string]bool{
		"PROSMS_OIDC_CLIENT_ID": c.OIDC.ClientID == "", "PROSMS_OIDC_ROLES": len(c.OIDC.Roles) == 0,
		"PROSMS_OIDC_NAME_CLAIM": c.OIDC.NameClaim == "", "PROSMS_OIDC_ROLE_CLAIM": c.OIDC.RoleClaim == "",
		"PROSMS_ADMIN_URL": c.AdminURL == "",
	} {
		if missing {
			faults = append(faults, errors.New(name+": PROSMS_OIDC_ISSUER needs it"))
		}
	}
	return faults
}

// openOIDC returns who signs operators in, or nil, and what /readyz asks of it. It
// calls nobody: the issuer may be down at the start. secret returns that of the client
// as it is by then; nil: as it was at the start.
func openOIDC(c Config, secret func(context.Context) string) (*oidc.Client, []api.Check) {
	if c.OIDC.Issuer == "" {
		return nil, nil
	}
	if secret != nil {
		c.OIDC.SecretOfNow = func(ctx context.Context) ports.Secret { return ports.Secret(secret(ctx)) }
	}
	client := oidc.New(c.OIDC)
	return client, []api.Check{{Name: "oidc", Func: client.Check}}
}

// examineOIDC asks the issuer for its configuration.
func (f *findings) examineOIDC(ctx context.Context, c Config) {
	client, _ := openOIDC(c, nil)
	if client == nil {
		return
	}
	defer client.Close()
	f.check("single sign-on", "the issuer answers", "check PROSMS_OIDC_ISSUER: curl \"$PROSMS_OIDC_ISSUER/.well-known/openid-configuration\" shows as issuer what it has to be", client.Check(ctx))
	if strings.HasPrefix(c.OIDC.Issuer, "http://") {
		f.add(warned, "single sign-on: TLS", "the issuer is asked over plain http: whoever is in between can sign in as anybody", "set PROSMS_OIDC_ISSUER to https://…")
	}
	if c.OIDC.ClientSecret == "" {
		f.add(noted, "single sign-on: secret", "this is a public client: PKCE alone protects it", "set PROSMS_OIDC_CLIENT_SECRET")
	}
}

func scopes(target *[]string) func(string) error {
	return func(value string) error {
		*target = strings.Fields(value)
		if !slices.Contains(*target, "openid") {
			return errors.New("scopes with spaces between them, openid among them")
		}
		return nil
	}
}

// grants reads which values of a claim give which role. The role comes first:
// values may have "=" and commas in them, as distinguished names do.
func grants(target *[]oidc.Grant) func(string) error {
	return func(value string) error {
		*target = nil
		for part := range strings.SplitSeq(value, ";") {
			role, claimed, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch {
			case role == "" && claimed == "":
				continue
			case claimed == "" || !slices.Contains(domain.Roles, domain.Role(role)):
				return errors.New("roles (viewer, operator, admin) and values of the claim, such as admin=sms-admins;viewer=staff")
			}
			*target = append(*target, oidc.Grant{Role: domain.Role(role), Value: claimed})
		}
		return nil
	}
}

// domains reads names of domains with commas between them.
func domains(target *[]string) func(string) error {
	return func(value string) error {
		*target = nil
		for _, name := range strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return r == ',' || r == ' ' }) {
			if strings.ContainsAny(name, "@*/") || !strings.Contains(name, ".") {
				return errors.New("domains with commas between them, such as example.com,example.org")
			}
			*target = append(*target, name)
		}
		return nil
	}
}
