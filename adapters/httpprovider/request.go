package httpprovider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Request is a template of an HTTP request: placeholders in braces stand for what
// a text has, escaped for where they stand.
type Request struct {
	Method  string            `yaml:"method"` // POST or PUT, for look-ups also GET; "" means POST, or GET for a look-up
	URL     string            `yaml:"url"`    // placeholders in path and query, not in the host
	Headers map[string]string `yaml:"headers"`
	Form    map[string]string `yaml:"form"` // the body, as a form
	JSON    map[string]any    `yaml:"json"` // or as JSON
}

// Auth says who we are. At most one of its fields is set.
type Auth struct {
	Basic  *Basic       `yaml:"basic"`
	Bearer ports.Secret `yaml:"bearer"`
	Header *Header      `yaml:"header"`
}

// Basic is user and password.
type Basic struct {
	User     string       `yaml:"user"`
	Password ports.Secret `yaml:"password"`
}

// Header is a header whose value is secret.
type Header struct {
	Name  string       `yaml:"name"`
	Value ports.Secret `yaml:"value"`
}

// Secrets returns where a's secrets stand, so that references can be followed.
func (a *Auth) Secrets() []*ports.Secret {
	found := []*ports.Secret{&a.Bearer}
	if a.Basic != nil {
		found = append(found, &a.Basic.Password)
	}
	if a.Header != nil {
		found = append(found, &a.Header.Value)
	}
	return found
}

func (a Auth) check() error {
	set := 0
	for _, is := range []bool{a.Basic != nil, a.Bearer != "", a.Header != nil} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return errors.New("auth: one of basic, bearer and header")
	case a.Basic != nil && (a.Basic.User == "" || a.Basic.Password == ""):
		return errors.New("auth.basic: needs user and password")
	case a.Header != nil && (a.Header.Name == "" || a.Header.Value == ""):
		return errors.New("auth.header: needs name and value")
	case a.Header != nil && replayable(a.Header.Name):
		return errors.New("auth.header: an idempotency key would let requests be repeated")
	}
	return nil
}

func (a Auth) set(r *http.Request) {
	switch {
	case a.Basic != nil:
		r.SetBasicAuth(a.Basic.User, string(a.Basic.Password))
	case a.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+string(a.Bearer))
	case a.Header != nil:
		r.Header.Set(a.Header.Name, string(a.Header.Value))
	}
}

// replayable names the headers with which net/http repeats a POST by itself.
func replayable(header string) bool {
	return strings.EqualFold(header, "Idempotency-Key") || strings.EqualFold(header, "X-Idempotency-Key")
}

// checkSend checks a request that must not be repeated by anybody but us: net/http
// repeats a GET when a kept connection turns out to be closed.
func (r Request) checkSend() error {
	faults := []error{r.check("request", "", http.MethodPost, http.MethodPut)}
	if len(r.Form) == 0 && len(r.JSON) == 0 && !strings.Contains(r.URL, "?") {
		faults = append(faults, errors.New("request: needs form, json or a query"))
	}
	return errors.Join(faults...)
}

func (r Request) check(at string, methods ...string) error {
	var faults []error
	refuse := func(field string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s.%s: %w", at, field, err))
		}
	}
	if !slices.Contains(methods, r.Method) {
		refuse("method", fmt.Errorf("one of %s", strings.Trim(strings.Join(methods, ", "), ", ")))
	}
	refuse("url", checkURL(r.URL))
	for name, template := range r.Headers {
		if replayable(name) {
			refuse("headers", errors.New("an idempotency key would let requests be repeated"))
		}
		refuse("headers", checkTemplate(template, inPath))
	}
	for _, template := range r.Form {
		refuse("form", checkTemplate(template, placeholders))
	}
	if len(r.Form) > 0 && len(r.JSON) > 0 {
		refuse("json", errors.New("form or json, not both"))
	}
	refuse("json", checkTree(r.JSON))
	return errors.Join(faults...)
}

// checkURL refuses placeholders where they could lead to another place.
func checkURL(template string) error {
	base, query, _ := strings.Cut(template, "?")
	if _, err := httpcall.ParseURL(placeholder.ReplaceAllString(base, "")); err != nil {
		return err
	}
	_, rest, _ := strings.Cut(base, "://")
	host, path, _ := strings.Cut(rest, "/")
	if strings.Contains(host, "{") {
		return errors.New("the host cannot depend on the text")
	}
	return errors.Join(checkTemplate(path, inPath), checkTemplate(query, placeholders))
}

// build fills r for one attempt. Its errors quote nothing.
func (p *Provider) build(ctx context.Context, r Request, method string, v values) (*http.Request, error) {
	if r.Method != "" {
		method = r.Method
	}
	var body io.Reader
	var contentType string
	switch {
	case len(r.JSON) > 0:
		encoded, err := json.Marshal(v.fillTree(r.JSON))
		if err != nil {
			return nil, errors.New("building request: its json cannot be encoded")
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case len(r.Form) > 0:
		form := url.Values{}
		for key, template := range r.Form {
			if !v.lacks(template) {
				form.Set(key, v.fill(template, asIs))
			}
		}
		body, contentType = strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	}
	request, err := http.NewRequestWithContext(ctx, method, v.fillURL(r.URL), body)
	if err != nil {
		return nil, errors.New("building request: malformed URL")
	}
	request.Header.Set("User-Agent", "pro-sms")
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, template := range r.Headers {
		request.Header.Set(name, v.fill(template, asIs))
	}
	p.config.Auth.set(request)
	return request, nil
}
