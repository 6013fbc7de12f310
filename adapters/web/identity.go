package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// IdentityProvider signs operators in elsewhere (OpenID Connect).
type IdentityProvider interface {
	// Start returns where a browser is sent. It comes back to /oidc/callback with
	// state and a code.
	Start(ctx context.Context, state, nonce, verifier string) (url string, err error)

	// Redeem returns who signed in with a code. Its errors wrap ports.ErrUnavailable,
	// commands.ErrIdentity or commands.ErrNoAccess.
	Redeem(ctx context.Context, code, nonce, verifier string) (commands.Identity, error)

	// End returns where the provider's own session is ended; empty if nowhere.
	End(ctx context.Context) string
}

const (
	signInCookie = "prosms_signin"
	signInPath   = "/oidc/"
	signInLife   = 600 // seconds: passwords and second factors take a while
)

// signIn is one under way. All of it follows from a secret that the browser
// keeps, so nothing of it has to be kept here and any instance can end it; state,
// which others see, gives neither nonce nor verifier away.
type signIn struct {
	secret string
	back   string // where to go afterwards
}

func (a signIn) derive(purpose string) string {
	mac := hmac.New(sha256.New, []byte(a.secret))
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) // 43 characters: as long as a verifier of PKCE has to be
}

// keepSignIn has the browser keep a, until the answer comes or for ten minutes. The
// answer comes from another site, so the cookie is not strict.
func (u *ui) keepSignIn(w http.ResponseWriter, r *http.Request, a signIn) {
	http.SetCookie(w, u.signInCookie(r, a.secret+"."+base64.RawURLEncoding.EncodeToString([]byte(a.back)), signInLife))
}

func (u *ui) signInCookie(r *http.Request, value string, age int) *http.Cookie {
	c := u.sessions.cookie(r, value, age)
	c.Name, c.Path, c.SameSite = signInCookie, signInPath, http.SameSiteLaxMode
	return c
}

// takeSignIn returns the sign-in that the browser keeps, and has it forget it.
func (u *ui) takeSignIn(w http.ResponseWriter, r *http.Request) (signIn, bool) {
	brought, err := r.Cookie(signInCookie)
	if err != nil {
		return signIn{}, false
	}
	http.SetCookie(w, u.signInCookie(r, "", -1))
	secret, encoded, ok := strings.Cut(brought.Value, ".")
	back, err := base64.RawURLEncoding.DecodeString(encoded)
	return signIn{secret, localPath(string(back))}, ok && err == nil && len(secret) == len(newSecret())
}

// newSecret has 256 random bits and more.
func newSecret() string { return rand.Text() + rand.Text() }

// startSignIn sends a browser to the identity provider. It is a link and no form:
// the policy lets forms lead nowhere else.
func (u *ui) startSignIn(w http.ResponseWriter, r *http.Request, _ visit) error {
	a := signIn{newSecret(), localPath(r.URL.Query().Get("back"))}
	if !u.mayTry(r) {
		return u.refuseSignIn(w, r, http.StatusTooManyRequests, a.back, tooManyTries)
	}
	to, err := u.Identities.Start(r.Context(), a.derive("state"), a.derive("nonce"), a.derive("verifier"))
	if err != nil {
		u.log.WarnContext(r.Context(), "asking the identity provider", "error", err)
		return u.refuseSignIn(w, r, http.StatusServiceUnavailable, a.back, "The identity provider does not answer just now. Try again in a moment.")
	}
	u.keepSignIn(w, r, a)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// endSignIn lets in who comes back from the identity provider.
func (u *ui) endSignIn(w http.ResponseWriter, r *http.Request, _ visit) error {
	query := r.URL.Query()
	a, ok := u.takeSignIn(w, r)
	switch {
	case !ok || !hmac.Equal([]byte(query.Get("state")), []byte(a.derive("state"))):
		return u.refuseSignIn(w, r, http.StatusBadRequest, "/", "This sign-in was begun elsewhere, or too long ago. Begin it again.")
	case !u.mayTry(r):
		return u.refuseSignIn(w, r, http.StatusTooManyRequests, a.back, tooManyTries)
	case query.Get("code") == "":
		return u.refuseSignIn(w, r, http.StatusUnauthorized, a.back, "The identity provider did not let you in.")
	}
	who, err := u.Identities.Redeem(r.Context(), query.Get("code"), a.derive("nonce"), a.derive("verifier"))
	if err == nil {
		err = u.Commands.AdmitOperator(r.Context(), who)
	}
	switch {
	case errors.Is(err, domain.ErrNameTaken):
		u.log.WarnContext(r.Context(), "an operator was refused: the name is another's", "method", "oidc")
		return u.refuseSignIn(w, r, http.StatusForbidden, a.back, "Somebody else has your name here. An admin can remove them under Operators.")
	case errors.Is(err, commands.ErrNoAccess):
		u.log.WarnContext(r.Context(), "an operator was refused", "method", "oidc", "error", err)
		return u.refuseSignIn(w, r, http.StatusForbidden, a.back, "The identity provider knows you, but nothing that it says of you gives you access here.")
	case errors.Is(err, commands.ErrIdentity):
		u.log.WarnContext(r.Context(), "an operator was refused", "method", "oidc", "error", err)
		return u.refuseSignIn(w, r, http.StatusUnauthorized, a.back, "The identity provider's answer does not hold. Begin again.")
	case errors.Is(err, ports.ErrUnavailable):
		u.log.WarnContext(r.Context(), "signing an operator in", "error", err)
		return u.refuseSignIn(w, r, http.StatusServiceUnavailable, a.back, "The identity provider or the event store does not answer just now. Try again in a moment.")
	case err != nil:
		return err
	}
	if err := u.enter(w, r, who.Name, "oidc"); err != nil {
		return err
	}
	// A redirect would still count as coming from the other site, and the browser
	// would keep the session's cookie back: the page itself leads on.
	return u.draw(w, http.StatusOK, "signedin", page{Title: "Signed in", Data: a.back})
}

// refuseSignIn shows the page to sign in with what went wrong.
func (u *ui) refuseSignIn(w http.ResponseWriter, r *http.Request, status int, back, fault string) error {
	return u.draw(w, status, "login", page{Title: "Sign in", Data: u.loginForm(r, loginForm{Back: back, Fault: fault})})
}
