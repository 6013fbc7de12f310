package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// desk is an identity provider in memory: it signs in whoever comes as who it is
// told, once for each code, if nonce and verifier are those that the sign-in began with.
type desk struct {
	mu      sync.Mutex
	who     commands.Identity
	refuses error
	begun   map[string][2]string // by state, which is the code as well
}

func (d *desk) says(who commands.Identity, refuses error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.who, d.refuses = who, refuses
}

func (d *desk) Start(_ context.Context, state, nonce, verifier string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuses == ports.ErrUnavailable {
		return "", d.refuses
	}
	if d.begun == nil {
		d.begun = map[string][2]string{}
	}
	d.begun[state] = [2]string{nonce, verifier}
	return "https://issuer.example/authorize?" + url.Values{"state": {state}}.Encode(), nil
}

func (d *desk) Redeem(_ context.Context, code, nonce, verifier string) (commands.Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	begun, ok := d.begun[code]
	delete(d.begun, code)
	switch {
	case d.refuses != nil:
		return commands.Identity{}, d.refuses
	case !ok || begun != [2]string{nonce, verifier} || nonce == verifier || nonce == code || len(verifier) < 43:
		return commands.Identity{}, commands.ErrIdentity
	}
	return d.who, nil
}

func (d *desk) End(context.Context) string { return "https://issuer.example/end" }

var ada = commands.Identity{Name: "ada@example.com", Role: domain.RoleOperator, Subject: events.Hash{1}}

func newDesk(t *testing.T, configure ...func(*UI)) (*world, *desk) {
	d := &desk{who: ada}
	return newWorld(t, append([]func(*UI){func(u *UI) { u.Identities = d }}, configure...)...), d
}

// begin begins a sign-in and returns the state that the provider is told.
func (w *world) begin(client *http.Client, back string) string {
	w.t.Helper()
	a := w.get(client, "/oidc/start?back="+url.QueryEscape(back))
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != http.StatusSeeOther || err != nil || to.Host != "issuer.example" {
		w.t.Fatalf("beginning: %d to %s, %v", a.status, to, err)
	}
	return to.Query().Get("state")
}

func (w *world) comeBack(client *http.Client, state string) answer {
	w.t.Helper()
	return w.get(client, "/oidc/callback?"+url.Values{"state": {state}, "code": {state}}.Encode())
}

func TestOperatorsSignInElsewhere(t *testing.T) {
	w, d := newDesk(t)
	client := browser()
	w.get(client, "/login?back=/messages").shows(t, "Sign in with single sign-on", `href="/oidc/start?back=%2fmessages"`, `name="password"`)
	a := w.get(client, "/oidc/start?back=/messages")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/oidc/", "Max-Age=600"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), want) {
			t.Errorf("the cookie of the sign-in is not %s", want)
		}
	}
	a = w.comeBack(client, w.begin(client, "/messages"))
	a.shows(t, `http-equiv="refresh" content="0;url=/messages"`)
	if a.status != 200 || !strings.Contains(strings.Join(a.header.Values("Set-Cookie"), "\n"), "SameSite=Strict") {
		t.Errorf("coming back: %d, %v", a.status, a.header)
	}
	w.get(client, "/").shows(t, "role operator", "ada@example.com")
	w.get(client, "/operators").shows(t, "single sign-on")
	w.get(client, "/audit").shows(t, "operator.admitted", "operator.signed_in", "operator:ada@example.com")

	d.says(commands.Identity{Name: ada.Name, Role: domain.Viewer, Subject: ada.Subject}, nil)
	w.get(client, "/").shows(t, "role operator") // until the next sign-in
	other := browser()
	w.comeBack(other, w.begin(other, "//evil.example")).shows(t, `content="0;url=/"`)
	w.get(client, "/").shows(t, "role viewer")

	if a := w.post(client, "/logout"); a.header.Get("Location") != "/login?done=signedout" {
		t.Errorf("signing out: %d to %s", a.status, a.header.Get("Location"))
	}
	w.get(client, "/login?done=signedout").shows(t, `href="https://issuer.example/end"`)
	if a := w.get(client, "/"); a.status != 303 {
		t.Errorf("signed out: %d", a.status)
	}
}

func TestEverySignInStandsInTheLog(t *testing.T) {
	w, _ := newDesk(t)
	admin := w.admin()
	for _, password := range []string{"wrong", password} {
		w.post(browser(), "/login", "name", "ada", "password", password)
	}
	client := browser()
	w.comeBack(client, w.begin(client, "/"))
	recorded, err := w.store.Read(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []events.OperatorSignedIn
	for _, r := range recorded {
		if e, ok := r.Data.(events.OperatorSignedIn); ok {
			got = append(got, e)
			if r.Meta.Actor != "operator:"+e.Name || !strings.HasPrefix(r.StreamID, "signin_") {
				t.Errorf("%s by %s", r.StreamID, r.Meta.Actor)
			}
		}
	}
	want := []events.OperatorSignedIn{
		{Name: "ada", Role: "admin", Method: "link"}, {Name: "ada", Role: "admin", Method: "password"}, {Name: "ada@example.com", Role: "operator", Method: "oidc"},
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("sign-ins %+v, want %+v", got, want)
	}
	w.get(admin, "/audit").shows(t, "operator.signed_in")
}

func TestAnAnswerThatDoesNotBelongToTheBrowserLetsNobodyIn(t *testing.T) {
	w, _ := newDesk(t)
	mine, other := browser(), browser()
	state := w.begin(mine, "/")
	for name, a := range map[string]answer{
		"without a sign-in":             w.comeBack(other, state),
		"another state":                 w.comeBack(mine, "a state that is none of this browser's"),
		"after another state":           w.comeBack(mine, state),
		"without state":                 w.comeBack(other, ""),
		"the state of another sign-in":  func() answer { w.begin(other, "/"); return w.comeBack(other, state) }(),
		"a sign-in that was begun anew": func() answer { old := w.begin(mine, "/"); w.begin(mine, "/"); return w.comeBack(mine, old) }(),
	} {
		if a.status != http.StatusBadRequest || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ""), sessionCookie) {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	state = w.begin(mine, "/")
	if a := w.get(mine, "/oidc/callback?error=access_denied&state="+state); a.status != http.StatusUnauthorized {
		t.Errorf("refused by the provider: %d", a.status)
	}
	forged := w.begin(mine, "/")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/oidc/callback?state="+forged+"&code="+forged, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", ".", "short." + forged, strings.Repeat("x", 5000)} {
		request.Header.Set("Cookie", signInCookie+"="+value)
		if a := w.do(browser(), request); a.status != http.StatusBadRequest {
			t.Errorf("a cookie of %d characters: %d", len(value), a.status)
		}
	}
}

func TestWhomTheProviderDoesNotVouchForStaysOutside(t *testing.T) {
	w, d := newDesk(t)
	w.admin()
	client := browser()
	taken := commands.Identity{Name: "ada", Role: domain.RoleAdmin, Subject: events.Hash{2}}
	for _, tt := range []struct {
		name    string
		who     commands.Identity
		refuses error
		want    int
	}{
		{"no role", commands.Identity{}, commands.ErrNoAccess, 403},
		{"an answer that does not hold", commands.Identity{}, commands.ErrIdentity, 401},
		{"the name of one with a password", taken, nil, 403},
		{"a strange role", commands.Identity{Name: "eve@example.com", Role: "root", Subject: events.Hash{3}}, nil, 403},
		{"a strange name", commands.Identity{Name: "eve\n@example.com", Role: domain.Viewer, Subject: events.Hash{3}}, nil, 403},
		{"no subject", commands.Identity{Name: "eve@example.com", Role: domain.Viewer}, nil, 403},
	} {
		d.says(tt.who, tt.refuses)
		a := w.comeBack(client, w.begin(client, "/"))
		if a.status != tt.want || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ""), sessionCookie) {
			t.Errorf("%s: %d, want %d", tt.name, a.status, tt.want)
		}
		if a := w.get(client, "/"); a.status != 303 {
			t.Errorf("%s, then: %d", tt.name, a.status)
		}
	}
	state := ""
	d.says(ada, nil)
	state = w.begin(client, "/")
	d.says(ada, ports.ErrUnavailable)
	if a := w.comeBack(client, state); a.status != 503 {
		t.Errorf("a provider that is gone: %d", a.status)
	}
	if a := w.get(client, "/oidc/start"); a.status != 503 {
		t.Errorf("beginning at a provider that is gone: %d", a.status)
	}
}

func TestWhoWasRemovedIsOutUntilTheProviderVouchesAgain(t *testing.T) {
	w, _ := newDesk(t)
	admin, client := w.admin(), browser()
	w.comeBack(client, w.begin(client, "/"))
	if a := w.post(admin, "/operators/ada@example.com/role", "role", "admin", "reason", "x"); a.status != http.StatusConflict {
		t.Errorf("another role: %d", a.status)
	}
	if a := w.post(admin, "/operators/ada@example.com/remove", "reason", "left"); a.status != 303 {
		t.Errorf("removing: %d", a.status)
	}
	again := browser()
	w.comeBack(again, w.begin(again, "/"))
	w.get(again, "/").shows(t, "role operator")
	if a := w.get(client, "/"); a.status != 303 {
		t.Errorf("the session from before the removal: %d", a.status)
	}
}

func TestPasswordsCanBeSwitchedOff(t *testing.T) {
	w, _ := newDesk(t, func(u *UI) { u.NoPasswords = true })
	client := browser()
	a := w.get(client, "/login")
	a.shows(t, "Sign in with single sign-on")
	a.hides(t, `name="password"`, "printed a link")
	for _, path := range []string{"/login", "/join", "/operators"} {
		if a := w.post(client, path, "token", "first-token", "name", "ada", "password", password); a.status < 400 || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ""), sessionCookie) {
			t.Errorf("POST %s: %d", path, a.status)
		}
	}
	if a := w.get(client, "/join?token=first-token"); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/login") {
		t.Errorf("the link of the first start: %d", a.status)
	}
	operators, err := w.commands.Operators(t.Context())
	if err != nil || len(operators.ByName) != 0 {
		t.Errorf("%d operators, %v", len(operators.ByName), err)
	}
	w.comeBack(client, w.begin(client, "/"))
	w.get(client, "/operators").hides(t, "Invite…", "lost password")
}

func TestSignInsElsewhereAreLimited(t *testing.T) {
	w, _ := newDesk(t, func(u *UI) { u.Limiter = new(memory.Limiter) })
	last := 0
	for range 12 {
		last = w.get(browser(), "/oidc/start").status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the twelfth: %d", last)
	}
}
