package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
)

var (
	formToken   = regexp.MustCompile(`name="form" value="([A-Z2-7]+)"`)
	shownSecret = regexp.MustCompile(`psk_live_\w+|/join\?token=\w+`)
)

func TestAFormThatIsSentTwiceShowsTheSameSecret(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.admin(), w.join("bob", domain.RoleAdmin)
	formOf := func(client *http.Client, page string) string {
		t.Helper()
		found := formToken.FindStringSubmatch(w.get(client, page).body)
		if found == nil {
			t.Fatalf("%s has no form that is told from others", page)
		}
		return found[1]
	}
	send := func(client *http.Client, path string, fields ...string) string {
		t.Helper()
		a := w.post(client, path, append([]string{"reason", "a test"}, fields...)...)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d\n%s", path, a.status, a.body)
		}
		secret := shownSecret.FindString(a.body)
		if secret == "" {
			t.Fatalf("%s shows no secret", path)
		}
		return secret
	}
	for _, f := range []struct {
		page, made string
		fields     []string
		changed    []string
	}{
		{"/keys", "key.issued", []string{"scope", "messages:read", "tenant", "acme"}, []string{"scope", "messages:read", "tenant", "other"}},
		{"/operators", "operator.invited", []string{"role", "viewer", "name", "olga"}, []string{"role", "viewer", "name", "vic"}},
	} {
		before := w.count(f.made)
		form := formOf(ada, f.page)
		first := send(ada, f.page, append(f.fields, "form", form)...)
		if again := send(ada, f.page, append(f.fields, "form", form)...); again != first {
			t.Errorf("%s sent again shows another secret", f.page)
		}
		if n := w.count(f.made) - before; n != 1 {
			t.Errorf("%s sent twice made %d", f.page, n)
		}
		seen := map[string]bool{first: true}
		for what, secret := range map[string]string{
			"with something else in it": send(ada, f.page, append(f.changed, "form", form)...),
			"of a page drawn anew":      send(ada, f.page, append(f.fields, "form", formOf(ada, f.page))...),
			"of somebody else":          send(bob, f.page, append(f.fields, "form", form)...),
		} {
			if seen[secret] {
				t.Errorf("%s %s shows a secret that was there before", f.page, what)
			}
			seen[secret] = true
		}
	}
}

// count returns how many events of a type there are.
func (w *world) count(eventType string) (n int) {
	w.t.Helper()
	recorded, err := w.store.Read(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range recorded {
		if e.Type == eventType {
			n++
		}
	}
	return n
}

func TestASecretIsMadeToItsEndThoughTheBrowserGaveUp(t *testing.T) {
	now := time.Now()
	s := &secrets[int]{now: func() time.Time { return now }}
	gone, giveUp := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(gone, http.MethodPost, "/keys", nil)
	r.PostForm = url.Values{"form": {"A"}}
	made := 0
	produce := func(ctx context.Context) (int, error) {
		giveUp()
		made++
		return made, ctx.Err()
	}
	for range 2 {
		if n, err := s.once(r, visit{Name: "ada"}, produce); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	now = now.Add(formLife + time.Second)
	if n, err := s.once(r, visit{Name: "ada"}, produce); n != 2 || err != nil {
		t.Errorf("later %d, %v", n, err)
	}
	for i := range 2 * maxForms {
		r.PostForm.Set("form", time.Duration(i).String())
		if _, err := s.once(r, visit{Name: "ada"}, produce); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.sent) > maxForms {
		t.Errorf("%d are kept", len(s.sent))
	}
}
