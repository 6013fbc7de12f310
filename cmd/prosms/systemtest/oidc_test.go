package systemtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pro-sms/prosms/ports/porttest/issuer"
)

// singleSignOn are the settings of an installation whose operators sign in at addr.
func singleSignOn(addr string) []string {
	return []string{
		"PROSMS_OIDC_ISSUER=http://" + addr, "PROSMS_OIDC_CLIENT_ID=" + issuer.Client, "PROSMS_OIDC_CLIENT_SECRET=env:OIDC_SECRET", "OIDC_SECRET=" + issuer.Secret,
		"PROSMS_OIDC_ROLES=admin=sms-admins;viewer=staff", "PROSMS_OIDC_EMAIL_DOMAINS=example.com", "PROSMS_PASSWORD_SIGN_IN=false", "PROSMS_ADMIN_URL=http://localhost", // that of an instance comes later
	}
}

// oidcCheck is what /readyz says of the issuer.
func (i *instance) oidcCheck() string {
	response, err := http.Get(i.url + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var ready struct {
		Checks map[string]struct{ Status string }
	}
	if err := json.NewDecoder(response.Body).Decode(&ready); err != nil {
		return err.Error()
	}
	return ready.Checks["oidc"].Status
}

func TestOperatorsSignInAtAnIssuerThatWasDownAtTheStart(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	r := newRig(t, false, singleSignOn(addr)...)
	i := r.start()
	if status := i.oidcCheck(); status != "failed" {
		t.Errorf("/readyz without the issuer says %q of it", status)
	}
	found, err := r.examined()
	if f := found["single sign-on"]; err == nil || f.Status != "FAIL" || !strings.Contains(f.Cure, "PROSMS_OIDC_ISSUER") {
		t.Errorf("the doctor says %+v, %v", f, err)
	}
	at := issuer.NewAt(t, addr, i.adminURL()+"/oidc/callback")
	at.Says(map[string]any{"email": "ada@example.com", "email_verified": true, "groups": []string{"sms-admins"}})
	eventually(t, 10*time.Second, "an issuer that is there", func() bool { return i.oidcCheck() == "ok" })
	client := &http.Client{}
	page := func(path string) string {
		response, err := client.Get(i.adminURL() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if body := page("/login"); !strings.Contains(body, "single sign-on") || strings.Contains(body, "password") {
		t.Error("the page to sign in asks for a password")
	}
	signIn := func(when string) {
		t.Helper()
		client.Jar, _ = cookiejar.New(nil) // never fails without options
		if body := page("/oidc/start"); !strings.Contains(body, "You are signed in") {
			t.Errorf("%s: %s", when, body)
		}
	}
	signIn("after the issuer")
	at.Rotate(t)
	signIn("after the issuer has changed its key")
	known := client.Jar
	at.Forge()
	client.Jar, _ = cookiejar.New(nil)
	if body := page("/oidc/start"); strings.Contains(body, "You are signed in") {
		t.Error("a key that the issuer does not publish lets somebody in")
	}
	client.Jar = known
	if body := page("/audit"); !strings.Contains(body, "operator.signed_in") || !strings.Contains(body, "operator:ada@example.com") {
		t.Error("the audit does not show who signed in")
	}
	if output := i.output.String(); strings.Contains(output, "/join?token=") || strings.Contains(output, issuer.Secret) {
		t.Error("the output has a link or the secret")
	}
}

func TestABrowserSignsInElsewhereAndComesBackSignedIn(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	r := newRig(t, false, singleSignOn(addr)...)
	i := r.start()
	at := issuer.NewAt(t, addr, i.adminURL()+"/oidc/callback")
	at.Says(map[string]any{"email": "ada@example.com", "email_verified": true, "groups": []string{"staff"}})
	b := newBrowser(t, i.adminURL(), at.URL)
	b.do("opening a page", chromedp.Navigate(i.adminURL()+"/keys"))
	b.shows("Sign in with single sign-on")
	b.look("login", 1280, false)
	b.do("signing in", chromedp.Click(`a[href^="/oidc/start"]`))
	b.shows("API keys", "ada@example.com") // the strict cookie came along, and the page is the one that was asked for
	b.look("keys", 390, true)
	b.settled("signing in")
	b.do("opening the menu", chromedp.Click(`details.me summary`))
	b.do("signing out", chromedp.Click(`form[action="/logout"] button`))
	b.shows("You are signed out here", "sign out there")
	b.look("signed-out", 390, false)
	b.settled("signing out")
}
