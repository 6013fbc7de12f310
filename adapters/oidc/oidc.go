// Package oidc signs operators in at an OpenID Connect provider: authorization code
// flow with PKCE (S256), state and nonce. Who may come in, and in which role, is
// read from the claims of each ID token.
package oidc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Config says who vouches for operators.
type Config struct {
	Issuer       string // exactly as the issuer calls itself
	ClientID     string
	ClientSecret ports.Secret // empty: a public client, which PKCE alone protects
	// SecretOfNow returns the client's secret for a sign-in, in place of ClientSecret: it
	// may change. nil: it does not.
	SecretOfNow func(context.Context) ports.Secret
	RedirectURL string // of the admin pages: the issuer sends browsers there
	Scopes      []string
	NameClaim   string // what an operator is called; "email" has to be verified
	RoleClaim   string // the name of a claim, or a path into nested ones with dots
	Roles       []Grant
	Domains     []string      // of verified addresses of e-mail; empty: any
	Timeout     time.Duration // of one call; 0: 10 s
	Now         func() time.Time
}

// Grant gives a role to whom the role claim says Value of. The highest one counts.
type Grant struct {
	Role  domain.Role
	Value string
}

// Client signs operators in. It asks the issuer for its configuration when it is
// needed first, and again later, so that it can be made while the issuer is down. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client

	asking chan struct{} // one slot: who asks the issuer for its configuration
	mu     sync.Mutex
	known  *issuer
}

// issuer is what an issuer says of itself.
type issuer struct {
	oauth2    oauth2.Config
	verifier  *oidc.IDTokenVerifier
	endURL    string // where its own session is ended; empty: it has no such place
	refreshAt time.Time
}

// refresh is how long what an issuer says of itself is believed. Its keys are asked
// for whenever a token is signed by one that is not known.
const refresh = 5 * time.Minute

// New returns a Client. It calls nobody yet.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{config: c, http: newHTTP(cmp.Or(c.Timeout, 10*time.Second)), asking: make(chan struct{}, 1)}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Start returns the address of the issuer at which an operator signs in. Their
// browser comes back to RedirectURL with state, and a code. The ID token will carry
// nonce, and nobody can redeem the code without verifier: both are secrets of who
// begins the sign-in.
func (c *Client) Start(ctx context.Context, state, nonce, verifier string) (string, error) {
	at, err := c.discover(ctx)
	if at == nil {
		return "", err
	}
	return at.oauth2.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// Redeem returns who signed in. Its errors wrap ports.ErrUnavailable,
// commands.ErrIdentity or commands.ErrNoAccess and quote nothing that the issuer said.
func (c *Client) Redeem(ctx context.Context, code, nonce, verifier string) (commands.Identity, error) {
	at, err := c.discover(ctx)
	if at == nil {
		return commands.Identity{}, err
	}
	asking := at.oauth2
	if c.config.SecretOfNow != nil {
		asking.ClientSecret = string(c.config.SecretOfNow(ctx))
	}
	ctx = oidc.ClientContext(ctx, c.http)
	tokens, err := asking.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return commands.Identity{}, fmt.Errorf("redeeming a code: %w", exchangeFault(err))
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := at.verifier.Verify(ctx, raw)
	if err != nil {
		return commands.Identity{}, fmt.Errorf("verifying an ID token: %w", verifyFault(err))
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return commands.Identity{}, fmt.Errorf("reading an ID token: %w", commands.ErrIdentity)
	}
	if err := c.holds(token, claims, nonce); err != nil {
		return commands.Identity{}, err
	}
	return c.identify(token, claims)
}

// holds checks what the verifier leaves to its caller.
func (c *Client) holds(token *oidc.IDToken, claims map[string]any, nonce string) error {
	party, named := claims["azp"]
	switch {
	case nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1:
		return fmt.Errorf("an ID token of another sign-in: %w", commands.ErrIdentity)
	case named && party != c.config.ClientID || len(token.Audience) > 1 && !named:
		return fmt.Errorf("an ID token for another client: %w", commands.ErrIdentity)
	case token.Subject == "":
		return fmt.Errorf("an ID token of nobody: %w", commands.ErrIdentity)
	}
	return nil
}

// identify reads name and role.
func (c *Client) identify(token *oidc.IDToken, claims map[string]any) (commands.Identity, error) {
	name := c.name(claims)
	if name == "" {
		return commands.Identity{}, fmt.Errorf("no name, or an address that is not verified or of another domain: %w", commands.ErrNoAccess)
	}
	role := c.role(claims)
	if role == "" {
		return commands.Identity{}, fmt.Errorf("no value of the role claim gives a role: %w", commands.ErrNoAccess)
	}
	subject := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(token.Issuer), token.Issuer, token.Subject))
	return commands.Identity{Name: name, Role: role, Subject: events.Hash(subject)}, nil
}

// End returns where the issuer ends its own session; empty where it does not say.
func (c *Client) End(ctx context.Context) string {
	at, _ := c.discover(ctx)
	if at == nil || at.endURL == "" {
		return ""
	}
	u, err := url.Parse(at.endURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	query := u.Query()
	query.Set("client_id", c.config.ClientID)
	u.RawQuery = query.Encode()
	return u.String()
}

// Check asks the issuer for its configuration, unless it has answered just before.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.discover(ctx)
	return err
}

// discover returns what the issuer says of itself. One asks, the others wait for
// it. With an error it returns what the issuer said last, which still counts while
// it does not answer; nil if it never has.
func (c *Client) discover(ctx context.Context) (*issuer, error) {
	if at := c.fresh(); at != nil {
		return at, nil
	}
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return nil, fmt.Errorf("asking the issuer for its configuration: %w: %w", ports.ErrUnavailable, ctx.Err())
	}
	if at := c.fresh(); at != nil {
		return at, nil
	}
	at, err := c.ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.known = at
	}
	return c.known, err
}

func (c *Client) fresh() *issuer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || !c.config.Now().Before(c.known.refreshAt) {
		return nil
	}
	return c.known
}

func (c *Client) ask(ctx context.Context) (*issuer, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, c.http), c.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("asking the issuer for its configuration: %w", discoveryFault(err))
	}
	var also struct {
		EndURL  string   `json:"end_session_endpoint"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&also); err != nil {
		return nil, fmt.Errorf("reading the issuer's configuration: %w", commands.ErrIdentity)
	}
	endpoint := provider.Endpoint()
	for _, u := range []string{endpoint.AuthURL, endpoint.TokenURL} {
		if !sameScheme(u, c.config.Issuer) {
			return nil, fmt.Errorf("the issuer names an address without TLS: %w", commands.ErrIdentity)
		}
	}
	// To try one way and then the other would use the code up.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if c.config.ClientSecret == "" || len(also.Methods) > 0 && !slices.Contains(also.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &issuer{
		oauth2: oauth2.Config{
			ClientID: c.config.ClientID, ClientSecret: string(c.config.ClientSecret), Endpoint: endpoint,
			RedirectURL: c.config.RedirectURL, Scopes: c.config.Scopes,
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: c.config.ClientID, Now: c.config.Now}),
		endURL:   also.EndURL, refreshAt: c.config.Now().Add(refresh),
	}, nil
}

// sameScheme reports whether u is https, or as plain as the issuer is anyhow.
func sameScheme(u, issuer string) bool {
	parsed, err := url.Parse(u)
	plain, plainErr := url.Parse(issuer)
	return err == nil && plainErr == nil && (parsed.Scheme == "https" || parsed.Scheme == "http" && plain.Scheme == "http")
}
