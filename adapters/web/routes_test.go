package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// wildcards are what stands for a wildcard of a pattern in a test.
var wildcards = regexp.MustCompile(`\{[a-z]+\}`)

// ask asks a route as its pattern has it.
func (w *world) ask(client *http.Client, pattern string) answer {
	w.t.Helper()
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, pattern
	}
	path = wildcards.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "msg_1")
	if method == http.MethodPost {
		return w.post(client, path)
	}
	return w.get(client, path)
}

func TestEveryRouteAsksWhoComes(t *testing.T) {
	w := newWorld(t)
	w.admin()
	viewer := w.join("vic", domain.Viewer)
	operator := w.join("olga", domain.RoleOperator)
	w.accept("acme", "msg_1", nil)
	for _, r := range w.routes {
		if r.role == "" {
			continue
		}
		if a := w.ask(w.browser, r.pattern); a.status != 303 && a.status != 401 || a.status == 303 && !strings.HasPrefix(a.header.Get("Location"), "/login") {
			t.Errorf("%s, signed out: %d", r.pattern, a.status)
		}
		for client, role := range map[*http.Client]domain.Role{viewer: domain.Viewer, operator: domain.RoleOperator} {
			if role.Includes(r.role) {
				continue
			}
			if a := w.ask(client, r.pattern); a.status != http.StatusForbidden {
				t.Errorf("%s, as %s: %d, want 403", r.pattern, role, a.status)
			}
		}
		if strings.HasPrefix(r.pattern, "POST") && r.role == domain.Viewer && r.pattern != "POST /logout" {
			t.Errorf("%s changes something and is open to viewers", r.pattern)
		}
	}
}

func TestOtherSitesCannotActForAnOperator(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	for _, r := range w.routes {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != http.MethodPost {
			continue
		}
		req := w.form(wildcards.ReplaceAllString(path, "x"), "reason", "x", "tenant", "acme", "scope", "admin", "name", "eve", "role", "admin")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if a := w.do(admin, req); a.status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", r.pattern, a.status)
		}
	}
}

func TestPagesBringEverythingThemselves(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_1", nil)
	inline := regexp.MustCompile(`(?i)\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:|<script[^>]*>[^<]`)
	outside := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`)
	for _, r := range w.routes {
		if !strings.HasPrefix(r.pattern, "GET ") || r.stream {
			continue
		}
		a := w.ask(admin, r.pattern)
		if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", r.pattern, policy)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", r.pattern, a.header)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		if found := inline.FindString(a.body); found != "" {
			t.Errorf("%s: inline %q", r.pattern, found)
		}
		if found := outside.FindString(a.body); found != "" {
			t.Errorf("%s: %q from outside", r.pattern, found)
		}
	}
	for path, kind := range map[string]string{"/assets/app.css": "text/css", "/assets/app.js": "text/javascript", "/assets/icons.svg": "image/svg+xml"} {
		if a := w.get(w.browser, path); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || strings.Contains(a.body, "//www.") && kind != "image/svg+xml" {
			t.Errorf("%s: %d, %s", path, a.status, a.header.Get("Content-Type"))
		}
	}
	if a := w.get(w.browser, "/assets/"); a.status != 404 {
		t.Errorf("the folder of assets: %d", a.status)
	}
}

func TestWhatATextSaysIsNeverMarkup(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	const evil = `<script>alert("x")</script>`
	w.accept("acme", "msg_1", func(m *events.MessageAccepted) { m.Body, m.Reference = evil, evil })
	for _, path := range []string{"/messages", "/messages/msg_1", "/events"} {
		a := w.get(admin, path)
		a.hides(t, "<script>alert")
		a.shows(t, "alert(")
	}
}

func TestBadQueriesAreNotQuoted(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_1", nil)
	for _, path := range []string{
		"/messages?status=zzznope", "/messages?lane=zzznope", "/messages?since=zzznope", "/messages?after=zzznope", "/messages.csv?until=zzznope",
		"/events?type=zzznope!", "/events?at=zzznope", "/messages/msg_1?as_of=zzznope", "/keys?after=zzznope",
	} {
		a := w.get(admin, path)
		if a.status != 400 {
			t.Errorf("%s: %d", path, a.status)
		}
		a.hides(t, "zzznope")
	}
	for _, path := range []string{"/messages/msg_9", "/messages/msg_1?as_of=0", "/nowhere"} {
		if a := w.get(admin, path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
