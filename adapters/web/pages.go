package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed templates assets
var files embed.FS

// Errors of requests that pages turn into words.
var (
	errBadQuery = errors.New("the query cannot be read")
	errNoReason = errors.New("no reason was given")
	errStale    = errors.New("what was shown has changed")
)

// pages are the templates by name, each with the layout around it.
type pages map[string]*template.Template

// page is what the layout shows around a page's data.
type page struct {
	Title string
	Nav   string // path of the entry that is current
	Done  string // what has just been done
	Me    visit
	Demo  bool
	Phone string
	Now   time.Time
	Form  string // what tells a form of this page from those of others
	Data  any
}

func parsePages() (pages, error) {
	layout, err := template.New("").Funcs(functions).ParseFS(files, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, name := range names {
		if path.Base(name) == "layout.html" {
			continue
		}
		one, err := layout.Clone()
		if err == nil {
			one, err = one.ParseFS(files, name)
		}
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = one
	}
	return all, nil
}

// draw writes a page, whole or not at all.
func (u *ui) draw(w http.ResponseWriter, status int, name string, p page) error {
	p.Now, p.Demo, p.Phone, p.Form = u.Now(), u.Demo, u.PhoneURL, rand.Text()
	var out bytes.Buffer
	if err := u.pages[name].ExecuteTemplate(&out, "layout", p); err != nil {
		return fmt.Errorf("drawing %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
	return nil
}

// show draws a page for a visitor.
func (u *ui) show(w http.ResponseWriter, r *http.Request, v visit, name string, p page) error {
	p.Me, p.Done = v, done[r.URL.Query().Get("done")]
	return u.draw(w, http.StatusOK, name, p)
}

// done is what a page says after an action, by the value of parameter "done".
var done = map[string]string{
	"canceled":  "The text was canceled. It will not be sent.",
	"redriven":  "The text is being sent again.",
	"discarded": "The text was put aside.",
	"resolved":  "The doubt is settled, in your name.",
	"replaced":  "This text is sent in the place of the dead letter.",
	"posted":    "The delivery is posted again.",
	"opened":    "The breaker is open. Instances notice within a second; texts wait.",
	"lifted":    "The pause is lifted. Texts go to the prefix again.",
	"closed":    "The breaker is closed. Calls pass again.",
	"optedout":  "The opt-out is recorded: no text is sent that was not claimed before.",
	"optedin":   "The opt-in is recorded.",
	"reviewed":  "The opt-out was looked at, and stands.",
	"revoked":   "The key is revoked. Instances that run notice within a second.",
	"role":      "The role was changed.",
	"removed":   "The operator was removed, and signed out everywhere.",
}

func (u *ui) notFound(w http.ResponseWriter, r *http.Request, v visit) error {
	u.errorPage(w, r, http.StatusNotFound, v, "")
	return nil
}

// cameFrom returns the page of ours that a request was made on; empty where there is
// none, or it is the one asked for.
func cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host || from.Path == r.URL.Path && r.Method == http.MethodGet {
		return ""
	}
	return localPath(from.RequestURI())
}

// errorPage says what went wrong, and what to do about it: reason, or else what the
// status means.
func (u *ui) errorPage(w http.ResponseWriter, r *http.Request, status int, v visit, reason string) {
	text := map[int]string{
		http.StatusBadRequest:            "The address or the form could not be read.",
		http.StatusUnauthorized:          "Your session has ended, and nothing was changed. Sign in again.",
		http.StatusForbidden:             "Your role does not allow this. Ask an admin.",
		http.StatusNotFound:              "There is nothing here. Perhaps the link is from another installation.",
		http.StatusConflict:              "Something has changed since the page was drawn. Go back and look again.",
		http.StatusUnprocessableEntity:   "The form was not accepted.",
		http.StatusRequestEntityTooLarge: "That was more than a form may hold.",
		http.StatusServiceUnavailable:    "The event store does not answer just now. Nothing was changed; try again in a moment.",
	}[status]
	if text == "" {
		text = "This page could not be drawn. The log of the process says why."
	}
	if reason != "" {
		text = reason
	}
	err := u.draw(w, status, "error", page{Title: http.StatusText(status), Me: v, Data: struct {
		Status     int
		Text, Back string
	}{status, text, cameFrom(r)}})
	if err != nil {
		http.Error(w, text, status)
	}
}

// assets serves our own files. They may be kept for a while, but not longer than
// an update takes to be noticed.
func assets() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	})
}
