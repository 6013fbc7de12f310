package web

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

const (
	number1  = "+14155552671"
	bodyText = "Your code is 482913"
	password = "correct horse battery"
)

// world is the pages on a socket, on stores in memory.
type world struct {
	t        *testing.T
	store    *memory.EventStore
	commands *commands.Handler
	runner   *projections.Runner
	routes   []route
	url      string
	logs     *lockedBuffer
	browser  *http.Client // of nobody
}

func newWorld(t *testing.T, configure ...func(*UI)) *world {
	t.Helper()
	lookup, err := commands.OpenLookup(t.Context(), new(memory.Keyring), commands.Master{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: new(memory.EventStore), logs: new(lockedBuffer)}
	views := new(memory.Views)
	sealer := &commands.Sealer{EventStore: w.store, Keyring: w.store.Keyring(), Lookup: lookup}
	log := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.commands = &commands.Handler{Store: sealer, Sealer: sealer, Lookup: lookup, Region: "US"}
	w.runner = &projections.Runner{
		Store: w.store, Views: views, Log: log,
		Projections: []projections.Projection{
			projections.Messages(), projections.Keys(), projections.DeadLetters(), projections.Replays(), projections.OptOuts(), projections.InboundTexts(),
		},
	}
	pages := UI{
		Commands: w.commands, Oversight: projections.Oversight{Queries: projections.Queries{Store: sealer, Views: views, Unseal: sealer.Unseal, Stored: w.store, Open: sealer.Open}},
		SetupToken: "first-token", Projections: []string{"messages", "keys"}, APIURL: "http://api.example", Log: log,
		Providers: []Provider{{Name: "twilio", Purpose: "sends the texts of live keys"}},
		Settings:  []Setting{{Name: "PROSMS_MASTER_KEY", Value: "****", Origin: "environment", About: "wraps keys"}},
	}
	for _, c := range configure {
		c(&pages)
	}
	handler, stop, err := pages.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w.routes = (&ui{}).routes()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(stop) // first, or streams keep the server open
	w.url, w.browser = server.URL, browser()
	return w
}

func browser() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// join makes the first operator, or lets one of a role in, and returns its browser.
func (w *world) join(name string, role domain.Role) *http.Client {
	w.t.Helper()
	operators, err := w.commands.Operators(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	token := "first-token"
	if len(operators.ByName) > 0 {
		if token, err = w.commands.InviteOperator(w.t.Context(), commands.Caller{Actor: "operator:test"}, name, role); err != nil {
			w.t.Fatal(err)
		}
	}
	client := browser()
	if a := w.post(client, "/join", "token", token, "name", name, "password", password); a.status != http.StatusSeeOther {
		w.t.Fatalf("joining: %d\n%s", a.status, a.body)
	}
	return client
}

// admin is join of the first operator.
func (w *world) admin() *http.Client { return w.join("ada", domain.RoleAdmin) }

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(client *http.Client, req *http.Request) answer {
	w.t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (w *world) get(client *http.Client, path string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(client, req)
}

func (w *world) post(client *http.Client, path string, form ...string) answer {
	w.t.Helper()
	req := w.form(path, form...)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(client, req)
}

func (w *world) form(path string, form ...string) *http.Request {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// accept writes a text of a tenant and what became of it, and returns its id.
func (w *world) accept(tenant, id string, change func(*events.MessageAccepted), more ...events.Event) string {
	w.t.Helper()
	accepted := events.MessageAccepted{
		To: number1, Body: bodyText, Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional", Reference: "order-1",
		Consent: w.commands.Lookup.ConsentStream(tenant, number1),
	}
	if change != nil {
		change(&accepted)
	}
	w.append(id, events.Meta{Tenant: tenant, Actor: "key:1", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, append([]events.Event{accepted}, more...)...)
	return id
}

func (w *world) append(stream string, meta events.Meta, all ...events.Event) {
	w.t.Helper()
	before, err := w.store.Load(w.t.Context(), stream)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, e := range all {
		results, err := w.store.Append(w.t.Context(), ports.Write{StreamID: stream, Expected: len(before) + i, Events: []events.Event{e}, Meta: meta})
		if err != nil || results[0].Err != nil {
			w.t.Fatal(err, results)
		}
	}
	w.catchUp()
}

func (w *world) catchUp() {
	w.t.Helper()
	if err := w.runner.CatchUp(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// shows fails unless a page shows all of these.
func (a answer) shows(t *testing.T, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page (%d) does not show %q", a.status, want)
		}
	}
}

// hides fails if a page shows any of these.
func (a answer) hides(t *testing.T, all ...string) {
	t.Helper()
	for _, secret := range all {
		if strings.Contains(a.body, secret) {
			t.Errorf("the page (%d) shows %q", a.status, secret)
		}
	}
}

// lockedBuffer is a log that many write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
