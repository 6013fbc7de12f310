// Package issuer is an OpenID Connect provider on a socket, for tests. It signs
// with RS256 and is strict about what the specifications leave to it: PKCE, the
// client's secret, codes that work once, redirects only to where was agreed.
package issuer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client and Secret are who may ask.
const (
	Client = "prosms"
	Secret = "a secret of the client"
)

// Issuer signs in whoever comes, without asking, as Person.
type Issuer struct {
	URL string

	mu     sync.Mutex
	back   string // the only address to which browsers are sent
	person map[string]any
	forged bool
	codes  map[string]url.Values // by code: what was asked at the authorization endpoint
	server *httptest.Server
	key    *rsa.PrivateKey // that it publishes
	kid    int             // its name
	stolen *rsa.PrivateKey // that it does not
}

// New starts an issuer that sends browsers back to redirect.
func New(t testing.TB, redirect string) *Issuer {
	t.Helper()
	return NewAt(t, "127.0.0.1:0", redirect)
}

// NewAt is New at an address.
func NewAt(t testing.TB, addr, redirect string) *Issuer {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{back: redirect, codes: map[string]url.Values{}, key: newKey(t), kid: 1, stolen: newKey(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.configuration)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	i.server.Start()
	i.URL = i.server.URL
	t.Cleanup(i.Close)
	return i
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Close takes it down.
func (i *Issuer) Close() {
	i.server.CloseClientConnections()
	i.server.Close()
}

// Says sets the claims of the tokens that follow; they replace those that every
// token has (iss, sub, aud, exp, iat, nonce).
func (i *Issuer) Says(person map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.person = person
}

// Forge has the tokens that follow signed by a key that is not the issuer's.
func (i *Issuer) Forge() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forged = true
}

// Rotate has the tokens that follow signed by a new key, which it publishes in the
// place of the one before.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	key := newKey(t)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = key
	i.kid++
}

func (i *Issuer) configuration(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"jwks_uri": i.URL + "/keys", "end_session_endpoint": i.URL + "/end",
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": strconv.Itoa(i.kid),
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	switch {
	case asked.Get("response_type") != "code", asked.Get("client_id") != Client, asked.Get("redirect_uri") != i.back,
		asked.Get("code_challenge_method") != "S256", len(asked.Get("code_challenge")) != 43, len(asked.Get("nonce")) < 32, len(asked.Get("state")) < 32,
		!strings.Contains(" "+asked.Get("scope")+" ", " openid "):
		http.Error(w, "this is no proper request to sign in", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked
	i.mu.Unlock()
	http.Redirect(w, r, i.back+"?"+url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode(), http.StatusFound)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	name, secret, _ := r.BasicAuth()
	if name != Client || secret != url.QueryEscape(Secret) {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	asked, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != i.back ||
		subtle.ConstantTimeCompare([]byte(encode(challenge[:])), []byte(asked.Get("code_challenge"))) != 1 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "sub": "subject-1", "aud": Client, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce"),
	}
	maps.Copy(claims, i.person)
	signed, err := i.sign(claims)
	if err != nil {
		http.Error(w, "signing", http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": signed})
}

// sign returns claims as a JWT (RFC 7519).
func (i *Issuer) sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	key := i.key
	if i.forged {
		key = i.stolen
	}
	signed := encode(fmt.Appendf(nil, `{"alg":"RS256","kid":"%d","typ":"JWT"}`, i.kid)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signed + "." + encode(signature), err
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever hung up does not want it
}
