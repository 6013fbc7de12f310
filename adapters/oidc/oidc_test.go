package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/oidc"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/issuer"
)

const (
	callback = "https://admin.example/oidc/callback"
	state    = "a state that nobody else has, 43 characters"
	nonce    = "a nonce that nobody else has, 43 characters"
	verifier = "a-verifier-of-PKCE-that-nobody-else-has-43c"
)

func config(i *issuer.Issuer) oidc.Config {
	return oidc.Config{
		Issuer: i.URL, ClientID: issuer.Client, ClientSecret: issuer.Secret, RedirectURL: callback, Scopes: []string{"openid", "email"},
		NameClaim: "email", RoleClaim: "groups", Domains: []string{"example.com"},
		Roles: []oidc.Grant{{Role: domain.Viewer, Value: "staff"}, {Role: domain.RoleAdmin, Value: "sms-admins"}, {Role: domain.RoleOperator, Value: "sms"}},
	}
}

// person has claims that let somebody in, as changed.
func person(change map[string]any) map[string]any {
	claims := map[string]any{"email": "Ada@example.com", "email_verified": true, "groups": []string{"staff", "sms"}}
	for name, value := range change {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

// signIn goes the way of a browser and returns the code that it comes back with.
func signIn(t *testing.T, c *oidc.Client) string {
	t.Helper()
	to, err := c.Start(t.Context(), state, nonce, verifier)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	back, err := response.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") || back.Query().Get("state") != state {
		t.Fatalf("the issuer answers %s with %s, %v", to, back, err)
	}
	return back.Query().Get("code")
}

func TestTheIssuerSaysWhoComesAndInWhichRole(t *testing.T) {
	i := issuer.New(t, callback)
	for _, tt := range []struct {
		name   string
		claims map[string]any
		change func(*oidc.Config)
		want   commands.Identity
	}{
		{"the highest role of several groups", nil, nil, commands.Identity{Name: "ada@example.com", Role: domain.RoleOperator}},
		{"one group", map[string]any{"groups": "sms-admins"}, nil, commands.Identity{Name: "ada@example.com", Role: domain.RoleAdmin}},
		{"a claim within a claim", map[string]any{"realm_access": map[string]any{"roles": []string{"staff"}}}, func(c *oidc.Config) { c.RoleClaim = "realm_access.roles" }, commands.Identity{Name: "ada@example.com", Role: domain.Viewer}},
		{"a claim whose name is a URL", map[string]any{"https://example.com/roles": "staff"}, func(c *oidc.Config) { c.RoleClaim = "https://example.com/roles" }, commands.Identity{Name: "ada@example.com", Role: domain.Viewer}},
		{"a claim that is the name", map[string]any{"preferred_username": "Ada", "email": nil}, func(c *oidc.Config) { c.NameClaim, c.Domains = "preferred_username", nil }, commands.Identity{Name: "ada", Role: domain.RoleOperator}},
		{"verified in words", map[string]any{"email_verified": "true"}, nil, commands.Identity{Name: "ada@example.com", Role: domain.RoleOperator}},
		{"a token for others too, by this client", map[string]any{"aud": []string{issuer.Client, "another"}, "azp": issuer.Client}, nil, commands.Identity{Name: "ada@example.com", Role: domain.RoleOperator}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i.Says(person(tt.claims))
			settings := config(i)
			if tt.change != nil {
				tt.change(&settings)
			}
			c := oidc.New(settings)
			defer c.Close()
			got, err := c.Redeem(t.Context(), signIn(t, c), nonce, verifier)
			if err != nil || got.Name != tt.want.Name || got.Role != tt.want.Role {
				t.Errorf("Redeem = %+v, %v; want %+v", got, err, tt.want)
			}
			again, err := c.Redeem(t.Context(), signIn(t, c), nonce, verifier)
			if err != nil || again != got {
				t.Errorf("a second time %+v, %v", again, err)
			}
		})
	}
}

func TestTheSecretOfNowRedeemsACode(t *testing.T) {
	i := issuer.New(t, callback)
	i.Says(person(nil))
	c := config(i)
	now := ports.Secret("the secret before")
	c.SecretOfNow = func(context.Context) ports.Secret { return now }
	client := oidc.New(c)
	defer client.Close()
	if _, err := client.Redeem(t.Context(), signIn(t, client), nonce, verifier); !errors.Is(err, commands.ErrIdentity) {
		t.Errorf("with the secret before: %v", err)
	}
	now = issuer.Secret
	if got, err := client.Redeem(t.Context(), signIn(t, client), nonce, verifier); err != nil || got.Role != domain.RoleOperator {
		t.Errorf("with that of now: %+v, %v", got, err)
	}
}

func TestTwoPeopleAreNeverOneSubject(t *testing.T) {
	i := issuer.New(t, callback)
	c := oidc.New(config(i))
	defer c.Close()
	seen := map[commands.Identity]bool{}
	for _, sub := range []string{"1", "2"} {
		i.Says(person(map[string]any{"sub": sub}))
		who, err := c.Redeem(t.Context(), signIn(t, c), nonce, verifier)
		if err != nil || seen[who] {
			t.Errorf("subject %s: %+v, %v", sub, who, err)
		}
		seen[who] = true
	}
}

func TestWhatDoesNotHoldLetsNobodyIn(t *testing.T) {
	i := issuer.New(t, callback)
	for _, tt := range []struct {
		name            string
		claims          map[string]any
		nonce, verifier string
		want            error
	}{
		{"another nonce", nil, "another nonce, of a sign-in that is not this", verifier, commands.ErrIdentity},
		{"no nonce asked for", nil, "", verifier, commands.ErrIdentity},
		{"no nonce in the token", map[string]any{"nonce": ""}, nonce, verifier, commands.ErrIdentity},
		{"another verifier: a stolen code", nil, nonce, "another-verifier-of-PKCE-of-another-sign-in", commands.ErrIdentity},
		{"a token for somebody else", map[string]any{"aud": "another"}, nonce, verifier, commands.ErrIdentity},
		{"a token for several, of another party", map[string]any{"aud": []string{issuer.Client, "another"}, "azp": "another"}, nonce, verifier, commands.ErrIdentity},
		{"a token for several, of no party", map[string]any{"aud": []string{issuer.Client, "another"}}, nonce, verifier, commands.ErrIdentity},
		{"of another issuer", map[string]any{"iss": "https://issuer.example"}, nonce, verifier, commands.ErrIdentity},
		{"expired", map[string]any{"exp": time.Now().Add(-time.Second).Unix()}, nonce, verifier, commands.ErrIdentity},
		{"not valid yet", map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}, nonce, verifier, commands.ErrIdentity},
		{"of nobody", map[string]any{"sub": ""}, nonce, verifier, commands.ErrIdentity},
		{"no group that has a role", map[string]any{"groups": []string{"cleaners", "sms-adminsx"}}, nonce, verifier, commands.ErrNoAccess},
		{"no groups", map[string]any{"groups": nil}, nonce, verifier, commands.ErrNoAccess},
		{"groups of a strange kind", map[string]any{"groups": map[string]any{"sms-admins": true}}, nonce, verifier, commands.ErrNoAccess},
		{"an address that is not verified", map[string]any{"email_verified": false}, nonce, verifier, commands.ErrNoAccess},
		{"an address of which nothing is said", map[string]any{"email_verified": nil}, nonce, verifier, commands.ErrNoAccess},
		{"another domain", map[string]any{"email": "ada@evil.example"}, nonce, verifier, commands.ErrNoAccess},
		{"a domain that ends alike", map[string]any{"email": "ada@evil-example.com"}, nonce, verifier, commands.ErrNoAccess},
		{"two domains", map[string]any{"email": "ada@example.com@evil.example"}, nonce, verifier, commands.ErrNoAccess},
		{"no name", map[string]any{"email": nil}, nonce, verifier, commands.ErrNoAccess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i.Says(person(tt.claims))
			c := oidc.New(config(i))
			defer c.Close()
			got, err := c.Redeem(t.Context(), signIn(t, c), tt.nonce, tt.verifier)
			if !errors.Is(err, tt.want) || got != (commands.Identity{}) {
				t.Errorf("Redeem = %+v, %v; want %v", got, err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), i.URL) || strings.Contains(strings.ToLower(err.Error()), "ada@")) {
				t.Errorf("the error quotes the issuer: %v", err)
			}
		})
	}
}

func TestAForgedTokenAndAUsedCodeLetNobodyIn(t *testing.T) {
	i := issuer.New(t, callback)
	i.Says(person(nil))
	c := oidc.New(config(i))
	defer c.Close()
	code := signIn(t, c)
	if _, err := c.Redeem(t.Context(), code, nonce, verifier); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Redeem(t.Context(), code, nonce, verifier); !errors.Is(err, commands.ErrIdentity) {
		t.Errorf("a code a second time: %v", err)
	}
	i.Forge()
	if _, err := c.Redeem(t.Context(), signIn(t, c), nonce, verifier); !errors.Is(err, commands.ErrIdentity) {
		t.Errorf("a token signed by another key: %v", err)
	}
	settings := config(i)
	settings.ClientSecret = "another"
	wrong := oidc.New(settings)
	defer wrong.Close()
	if _, err := wrong.Redeem(t.Context(), signIn(t, wrong), nonce, verifier); !errors.Is(err, commands.ErrIdentity) {
		t.Errorf("another secret of the client: %v", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", settings, settings, settings); strings.Contains(shown, `"another"`) || strings.Contains(shown, " another ") {
		t.Errorf("printed: %s", shown)
	}
}

func TestAnIssuerThatIsDownIsAskedAgain(t *testing.T) {
	i := issuer.New(t, callback)
	i.Says(person(nil))
	down := true
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			http.Error(w, "the back room says a secret", http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"issuer":"http://%s","authorization_endpoint":"%s/authorize","token_endpoint":"%s/token","jwks_uri":"%s/keys"}`, r.Host, i.URL, i.URL, i.URL)
	}))
	defer front.Close()
	settings := config(i)
	now := time.Now()
	settings.Issuer, settings.Now = front.URL, func() time.Time { return now }
	c := oidc.New(settings)
	defer c.Close()
	if err := c.Check(t.Context()); !errors.Is(err, ports.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("Check of an issuer that is down: %v", err)
	}
	if _, err := c.Start(t.Context(), state, nonce, verifier); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Start at an issuer that is down: %v", err)
	}
	down = false
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("Check of an issuer that is back: %v", err)
	}
	down, now = true, now.Add(time.Hour)
	if err := c.Check(t.Context()); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Check of an issuer that is down again: %v", err)
	}
	if to, err := c.Start(t.Context(), state, nonce, verifier); err != nil || !strings.HasPrefix(to, i.URL+"/authorize?") {
		t.Errorf("Start by what the issuer said before: %q, %v", to, err)
	}
}

func TestAnIssuerIsHeldToItsNameTimeAndSize(t *testing.T) {
	good := issuer.New(t, callback)
	says := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, format, "http://"+r.Host) }
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"another name", says(`{"issuer":"%s/another"}`), commands.ErrIdentity},
		{"no JSON", says(`<html>%s`), ports.ErrUnavailable},
		{"too long", says(`{"issuer":"%s","x":"` + strings.Repeat("x", 2<<20) + `"}`), ports.ErrUnavailable},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.URL+"/.well-known/openid-configuration", http.StatusFound)
		}, ports.ErrUnavailable},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ports.ErrUnavailable},
		{"an address of no web", says(`{"issuer":"%s","authorization_endpoint":"javascript:alert(1)","token_endpoint":"https://issuer.example/token"}`), commands.ErrIdentity},
	} {
		server := httptest.NewServer(tt.handler)
		settings := config(good)
		settings.Issuer, settings.Timeout = server.URL, 500*time.Millisecond
		c := oidc.New(settings)
		if err := c.Check(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		c.Close()
		server.Close()
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := oidc.New(config(good)).Check(canceled); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

func TestTheIssuersOwnSessionIsEndedWhereItSays(t *testing.T) {
	i := issuer.New(t, callback)
	c := oidc.New(config(i))
	defer c.Close()
	end, err := url.Parse(c.End(t.Context()))
	if err != nil || end.Path != "/end" || end.Query().Get("client_id") != issuer.Client {
		t.Errorf("End = %s, %v", end, err)
	}
	i.Close()
	gone := oidc.New(config(i))
	defer gone.Close()
	if end := gone.End(t.Context()); end != "" {
		t.Errorf("of an issuer that is down: %q", end)
	}
}
