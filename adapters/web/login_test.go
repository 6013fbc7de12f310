package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestTheLinkOfTheFirstStartMakesAnAdminOnce(t *testing.T) {
	w := newWorld(t)
	w.get(w.browser, "/login").shows(t, "Nobody has set this installation up yet")
	w.get(w.browser, "/join?token=first-token").shows(t, "You are the first one here", `name="password"`)
	if a := w.post(w.browser, "/join", "token", "first-token", "name", "ada", "password", "short"); a.status != 422 {
		t.Errorf("a short password: %d", a.status)
	}
	if a := w.post(w.browser, "/join", "token", "first-token", "name", "Not A Name", "password", password); a.status != 422 {
		t.Errorf("a strange name: %d", a.status)
	}
	client := w.admin()
	w.get(client, "/").shows(t, "Overview", "role admin")
	if a := w.get(w.browser, "/join?token=first-token"); a.status != http.StatusGone {
		t.Errorf("the link a second time: %d", a.status)
	}
	if a := w.post(w.browser, "/join", "token", "first-token", "name", "eve", "password", password); a.status != http.StatusGone {
		t.Errorf("its form a second time: %d", a.status)
	}
	if a := w.get(w.browser, "/join?token="); a.status != http.StatusGone {
		t.Errorf("without a token: %d", a.status)
	}
	recorded, err := w.store.Load(t.Context(), "operators")
	if err != nil || len(recorded) != 1 || !strings.Contains(string(recorded[0].RawData), "$argon2id$") || strings.Contains(string(recorded[0].RawData), password) {
		t.Errorf("%d events, %v; want one with a hash", len(recorded), err)
	}
}

func TestOperatorsSignInAndOut(t *testing.T) {
	w := newWorld(t)
	w.admin()
	client := browser()
	if a := w.get(client, "/messages?status=delivered"); a.status != 303 || a.header.Get("Location") != "/login?back=%2Fmessages%3Fstatus%3Ddelivered" {
		t.Errorf("signed out: %d to %s", a.status, a.header.Get("Location"))
	}
	for _, wrong := range [][2]string{{"ada", "not the password"}, {"ada", ""}, {"mallory", password}, {"", password}} {
		if a := w.post(client, "/login", "name", wrong[0], "password", wrong[1]); a.status != 401 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %d", wrong[0], a.status)
		}
	}
	a := w.post(client, "/login", "name", "ada", "password", password, "back", "/events?type=key")
	if a.status != 303 || a.header.Get("Location") != "/events?type=key" {
		t.Errorf("signing in: %d to %s", a.status, a.header.Get("Location"))
	}
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), want) {
			t.Errorf("the cookie is not %s", want)
		}
	}
	if a := w.get(client, "/"); a.status != 200 {
		t.Errorf("signed in: %d", a.status)
	}
	if a := w.post(client, "/logout"); a.status != 303 {
		t.Errorf("signing out: %d", a.status)
	}
	if a := w.get(client, "/"); a.status != 303 {
		t.Errorf("signed out: %d", a.status)
	}
	if logs := w.logs.String(); strings.Contains(logs, password) || strings.Contains(logs, "mallory") {
		t.Error("the log shows what was typed")
	}
}

func TestNobodyIsSentElsewhereAfterSigningIn(t *testing.T) {
	for back, want := range map[string]string{
		"": "/", "/keys": "/keys", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "evil": "/", "/a\r\nb": "/",
	} {
		if got := localPath(back); got != want {
			t.Errorf("localPath(%q) = %q, want %q", back, got, want)
		}
	}
}

func TestGuessingPasswordsIsLimited(t *testing.T) {
	now := time.Now() // at which all of them are made, however slow the machine
	w := newWorld(t, func(u *UI) { u.Limiter = &memory.Limiter{Now: func() time.Time { return now }} })
	w.admin()
	last := 0
	for range 8 {
		last = w.post(browser(), "/login", "name", "ada", "password", "a guess of some length").status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the eighth guess: %d", last)
	}
}

func TestARemovedOperatorIsOutAtOnceAndANewPasswordEndsSessions(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	bob := w.join("bob", domain.Viewer)
	w.get(bob, "/").shows(t, "role viewer")
	again := w.join("bob", domain.RoleOperator) // sets a new password
	if a := w.get(bob, "/"); a.status != 303 {
		t.Errorf("the old session after a new password: %d", a.status)
	}
	w.get(again, "/").shows(t, "role operator")
	if a := w.post(admin, "/operators/bob/remove", "reason", "left"); a.status != 303 {
		t.Errorf("removing: %d", a.status)
	}
	if a := w.get(again, "/"); a.status != 303 {
		t.Errorf("after removal: %d", a.status)
	}
	if a := w.post(admin, "/operators/ada/remove", "reason", "left"); a.status != http.StatusConflict {
		t.Errorf("removing the last admin: %d", a.status)
	}
}

func TestSessionsEnd(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, func(u *UI) { u.Now = func() time.Time { return now } })
	client := w.admin()
	for range 7 {
		now = now.Add(sessionIdle - time.Minute)
		if now.Sub(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)) > sessionLife {
			break
		}
		if a := w.get(client, "/"); a.status != 200 {
			t.Fatalf("in use: %d", a.status)
		}
	}
	if a := w.get(client, "/"); a.status != 303 {
		t.Errorf("after its life: %d", a.status)
	}
	client = w.join("bob", domain.Viewer)
	now = now.Add(sessionIdle + time.Second)
	if a := w.get(client, "/"); a.status != 303 {
		t.Errorf("unused for long: %d", a.status)
	}
}

func TestTheDemosLinkLetsInAtOnceAndOnce(t *testing.T) {
	w := newWorld(t, func(u *UI) { u.Demo = true })
	if a := w.get(w.browser, "/join?token=first-token"); a.status != 303 || a.header.Get("Location") != "/" {
		t.Fatalf("the link: %d", a.status)
	}
	w.get(w.browser, "/operators").shows(t, "demo", "by link only")
	if a := w.get(browser(), "/join?token=first-token"); a.status != http.StatusGone {
		t.Errorf("a second time: %d", a.status)
	}
	for _, guess := range []string{"", "demo", password} {
		if a := w.post(browser(), "/login", "name", "demo", "password", guess); a.status != 401 {
			t.Errorf("with a password of %d characters: %d", len(guess), a.status)
		}
	}
}

func TestPasswordsMatchThemselvesOnly(t *testing.T) {
	p := newPasswords(commands.Lookup("one key"))
	stored, err := p.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", stored, events.OperatorJoined{Password: stored}, stored); strings.Contains(shown, "argon2id") {
		t.Errorf("printed: %s", shown)
	}
	other := newPasswords(commands.Lookup("another key"))
	for _, tt := range []struct {
		name   string
		p      passwords
		stored events.PasswordHash
		try    string
		want   bool
	}{
		{"the same", p, stored, password, true},
		{"another", p, stored, password + "!", false},
		{"with the log but not the key", other, stored, password, false},
		{"where there is none", p, "", password, false},
		{"the decoy of none", p, "", "", false},
	} {
		if got, err := tt.p.match(t.Context(), tt.stored, tt.try); got != tt.want || err != nil {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
	for _, broken := range []events.PasswordHash{"x", "$argon2id$v=19$m=1,t=0,p=0$$", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdA$c2FsdA"} {
		if ok, err := p.match(t.Context(), broken, password); ok || err == nil {
			t.Errorf("a broken hash: %v, %v", ok, err)
		}
	}
}
