package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// loginForm is the page to sign in or to join.
type loginForm struct {
	Back    string
	Name    string
	Fault   string
	Token   string // of an invitation or the first start
	First   bool   // the name is free
	MinSize int
	Nobody  bool // there is no operator yet

	Passwords bool // one can sign in with one
	Elsewhere bool // one can sign in at an identity provider
	SignedOut bool
	EndURL    string // where the identity provider's session is ended
}

// loginForm completes a form by the ways in that there are.
func (u *ui) loginForm(r *http.Request, f loginForm) loginForm {
	f.Passwords, f.Elsewhere = !u.NoPasswords, u.Identities != nil
	if f.SignedOut && f.Elsewhere {
		f.EndURL = u.Identities.End(r.Context())
	}
	return f
}

const tooManyTries = "Too many attempts. Wait a minute and try again."

func (u *ui) loginPage(w http.ResponseWriter, r *http.Request, v visit) error {
	if v.Name != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	return u.draw(w, http.StatusOK, "login", page{Title: "Sign in", Data: u.loginForm(r, loginForm{
		Back: localPath(r.URL.Query().Get("back")), Nobody: len(operators.ByName) == 0, SignedOut: r.URL.Query().Get("done") == "signedout",
	})})
}

func (u *ui) login(w http.ResponseWriter, r *http.Request, _ visit) error {
	if err := r.ParseForm(); err != nil {
		return errors.Join(errBadQuery, err)
	}
	form := u.loginForm(r, loginForm{Back: localPath(r.PostForm.Get("back")), Name: strings.ToLower(strings.TrimSpace(r.PostForm.Get("name")))})
	if !u.mayTry(r, form.Name) {
		form.Fault = tooManyTries
		return u.draw(w, http.StatusTooManyRequests, "login", page{Title: "Sign in", Data: form})
	}
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	operator := operators.ByName[form.Name]
	ok, err := u.passwords.match(r.Context(), operator.Password, r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if !ok || !operator.Joined {
		u.log.WarnContext(r.Context(), "an operator was refused") // what was typed as a name may be a password
		form.Fault = "Name and password do not match."
		return u.draw(w, http.StatusUnauthorized, "login", page{Title: "Sign in", Data: form})
	}
	if err := u.enter(w, r, form.Name, "password"); err != nil {
		return err
	}
	http.Redirect(w, r, form.Back, http.StatusSeeOther)
	return nil
}

// enter begins a session of an operator who has shown who they are, and records how.
func (u *ui) enter(w http.ResponseWriter, r *http.Request, name, method string) error {
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	operator := operators.ByName[name]
	if err := u.Commands.SignedIn(r.Context(), name, operator.Role, method); err != nil {
		return err
	}
	u.sessions.begin(w, r, name, operator.Era)
	u.log.InfoContext(r.Context(), "an operator signed in", "operator", name, "method", method)
	return nil
}

// mayTry counts tries to sign in, by address and, where there is one, by name.
func (u *ui) mayTry(r *http.Request, names ...string) bool {
	if u.Limiter == nil {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = "unknown"
	}
	limits := []ports.Limit{{Key: "login:ip:" + host, Rate: 1, Burst: 10}}
	for _, name := range names {
		hash := events.Hash(sha256.Sum256([]byte(name))).String()[:16]
		limits = append(limits, ports.Limit{Key: "login:name:" + hash, Rate: 1, Burst: 5})
	}
	taken, err := u.Limiter.Take(r.Context(), limits)
	return err != nil || taken.Allowed
}

func (u *ui) joinPage(w http.ResponseWriter, r *http.Request, v visit) error {
	token := r.URL.Query().Get("token")
	if u.Demo && u.setup.use(token) {
		return u.enterDemo(w, r)
	}
	if v.Name != "" && u.Demo {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	form, err := u.joining(r.Context(), token)
	if err != nil {
		return err
	}
	if form.Token == "" {
		return u.draw(w, http.StatusGone, "join", page{Title: "Link", Data: form})
	}
	return u.draw(w, http.StatusOK, "join", page{Title: "Welcome", Data: form})
}

// joining returns the form that a token gives a right to; without Token for none.
func (u *ui) joining(ctx context.Context, token string) (loginForm, error) {
	form := loginForm{MinSize: minPassword}
	operators, err := u.Commands.Operators(ctx)
	if err != nil {
		return form, err
	}
	if len(operators.ByName) == 0 && u.setup.fits(token) {
		form.Token, form.First = token, true
		return form, nil
	}
	if name, ok := operators.Invited(sha256.Sum256([]byte(token)), u.Now()); ok {
		form.Token, form.Name = token, name
	}
	return form, nil
}

// enterDemo lets the one who started the demo in.
func (u *ui) enterDemo(w http.ResponseWriter, r *http.Request) error {
	const name = "demo"
	if err := u.Commands.SetUpOperators(r.Context(), name, ""); err != nil && !errors.Is(err, domain.ErrSetUp) {
		return err
	}
	if err := u.enter(w, r, name, "link"); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (u *ui) join(w http.ResponseWriter, r *http.Request, _ visit) error {
	if err := r.ParseForm(); err != nil {
		return errors.Join(errBadQuery, err)
	}
	token, password := r.PostForm.Get("token"), r.PostForm.Get("password")
	form, err := u.joining(r.Context(), token)
	if err != nil {
		return err
	}
	switch {
	case form.Token == "":
		return u.draw(w, http.StatusGone, "join", page{Title: "Link", Data: form})
	case !acceptable(password):
		form.Fault = "The password needs at least 12 characters, and at most 200."
		return u.draw(w, http.StatusUnprocessableEntity, "join", page{Title: "Welcome", Data: form})
	}
	hash, err := u.passwords.hash(r.Context(), password)
	if err != nil {
		return err
	}
	var name string
	if form.First {
		name = strings.ToLower(strings.TrimSpace(r.PostForm.Get("name")))
		if err := u.Commands.SetUpOperators(r.Context(), name, hash); err != nil {
			if form.Fault = reasonOf(err); form.Fault == "" {
				return err
			}
			return u.draw(w, http.StatusUnprocessableEntity, "join", page{Title: "Welcome", Data: form})
		}
		u.setup.use(token)
	} else if name, err = u.Commands.JoinOperator(r.Context(), token, hash); err != nil {
		return u.draw(w, http.StatusGone, "join", page{Title: "Link", Data: loginForm{}})
	}
	if err := u.enter(w, r, name, "link"); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (u *ui) logout(w http.ResponseWriter, r *http.Request, _ visit) error {
	u.sessions.end(w, r)
	http.Redirect(w, r, "/login?done=signedout", http.StatusSeeOther)
	return nil
}

// localPath returns where to go after signing in: a page of ours, whatever was asked.
func localPath(back string) string {
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n") {
		return "/"
	}
	return back
}
