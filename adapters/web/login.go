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
}

func (u *ui) loginPage(w http.ResponseWriter, r *http.Request, v visit) error {
	if v.Name != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	return u.draw(w, http.StatusOK, "login", page{Title: "Sign in", Data: loginForm{
		Back: localPath(r.URL.Query().Get("back")), Nobody: len(operators.ByName) == 0,
	}})
}

func (u *ui) login(w http.ResponseWriter, r *http.Request, _ visit) error {
	if err := r.ParseForm(); err != nil {
		return errors.Join(errBadQuery, err)
	}
	form := loginForm{Back: localPath(r.PostForm.Get("back")), Name: strings.ToLower(strings.TrimSpace(r.PostForm.Get("name")))}
	if !u.mayTry(r, form.Name) {
		form.Fault = "Too many attempts. Wait a minute and try again."
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
	u.sessions.begin(w, r, form.Name, operator.Era)
	u.log.InfoContext(r.Context(), "an operator signed in", "operator", form.Name)
	http.Redirect(w, r, form.Back, http.StatusSeeOther)
	return nil
}

// mayTry counts tries to sign in, by address and by name.
func (u *ui) mayTry(r *http.Request, name string) bool {
	if u.Limiter == nil {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = "unknown"
	}
	hash := events.Hash(sha256.Sum256([]byte(name))).String()[:16]
	taken, err := u.Limiter.Take(r.Context(), []ports.Limit{
		{Key: "login:ip:" + host, Rate: 1, Burst: 10},
		{Key: "login:name:" + hash, Rate: 1, Burst: 5},
	})
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
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	u.sessions.begin(w, r, name, operators.ByName[name].Era)
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
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	u.sessions.begin(w, r, name, operators.ByName[name].Era)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (u *ui) logout(w http.ResponseWriter, r *http.Request, _ visit) error {
	u.sessions.end(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// localPath returns where to go after signing in: a page of ours, whatever was asked.
func localPath(back string) string {
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n") {
		return "/"
	}
	return back
}
