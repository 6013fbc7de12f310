package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// world is a whole server on a socket, on stores in memory.
type world struct {
	t        *testing.T
	store    *store
	commands *commands.Handler
	runner   *projections.Runner
	url      string
	key      string // of tenant acme, with all scopes
	logs     *lockedBuffer
	texts    int // from phones, by textUs
}

// store is the memory store, which can be taken away and counts what is asked of it.
type store struct {
	ports.EventStore
	down  atomic.Bool
	loads atomic.Int64 // of single streams that succeeded
}

func (s *store) Load(ctx context.Context, id string) ([]events.Recorded, error) {
	if s.down.Load() {
		return nil, fmt.Errorf("loading: %w", ports.ErrUnavailable)
	}
	defer s.loads.Add(1)
	return s.EventStore.Load(ctx, id)
}

func (s *store) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	if s.down.Load() {
		return nil, fmt.Errorf("loading: %w", ports.ErrUnavailable)
	}
	return s.EventStore.LoadMany(ctx, ids)
}

func (s *store) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if s.down.Load() {
		return nil, fmt.Errorf("appending: %w", ports.ErrUnavailable)
	}
	return s.EventStore.Append(ctx, writes...)
}

const (
	number  = "+14155552671" // of a numbering plan
	another = "+14155552672"

	ourNumber = "+15005550006"
)

// newWorld starts a server for one test.
func newWorld(t *testing.T, configure ...func(*api.Server)) *world {
	t.Helper()
	w, server := build(t, configure...)
	listening := httptest.NewServer(server.Handler())
	t.Cleanup(listening.Close)
	w.url = listening.URL
	return w
}

// build wires a server up and does not start it.
func build(t *testing.T, configure ...func(*api.Server)) (*world, *api.Server) {
	t.Helper()
	lookup, err := commands.OpenLookup(t.Context(), new(memory.Keyring), commands.Master{})
	if err != nil {
		t.Fatal(err)
	}
	kept := new(memory.EventStore)
	w := &world{t: t, store: &store{EventStore: kept}, logs: new(lockedBuffer)}
	sealer := &commands.Sealer{EventStore: w.store, Keyring: kept.Keyring(), Lookup: lookup}
	views := new(memory.Views)
	var server *api.Server
	log := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.commands = &commands.Handler{Store: sealer, Sealer: sealer, Lookup: lookup}
	w.runner = &projections.Runner{
		Store: w.store, Views: views, Log: log,
		Projections: []projections.Projection{
			projections.Messages(), projections.Keys(), projections.OptOuts(), projections.InboundTexts(),
			projections.Contacts(func(number events.Personal) string { return lookup.ConsentStream(commands.EveryTenant, number) }),
			projections.DeadLetters(), projections.Replays(),
		},
	}
	w.commands.Texted = func(ctx context.Context, recipient string, number events.Personal) ([]string, error) {
		if err := w.runner.CatchUp(ctx); err != nil {
			return nil, err
		}
		return server.Queries.Texted(ctx, recipient, string(number), lookup.ConsentStream(commands.EveryTenant, number), number == ourNumber)
	}
	server = &api.Server{
		Commands: w.commands, Queries: projections.Queries{Store: sealer, Views: views, Unseal: sealer.Unseal, Stored: w.store, Open: sealer.Open},
		PublicURL: "https://sms.example.com/", Log: log,
	}
	for _, c := range configure {
		c(server)
	}
	w.key = w.newKey("acme", domain.ScopeAdmin)
	return w, server
}

// newKey issues a key as an operator does.
func (w *world) newKey(tenant string, scopes ...domain.Scope) string {
	w.t.Helper()
	return w.issue(commands.IssueKey{Tenant: tenant}, scopes...).Secret
}

func (w *world) issue(request commands.IssueKey, scopes ...domain.Scope) commands.IssuedKey {
	w.t.Helper()
	for _, s := range scopes {
		request.Scopes = append(request.Scopes, string(s))
	}
	issued, err := w.commands.IssueKey(w.t.Context(), commands.Caller{Actor: "operator:test"}, request)
	if err != nil {
		w.t.Fatal(err)
	}
	return issued
}

// answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   string
}

// decode reads the body as JSON into a generic value.
func (a answer) decode(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("answer %d is no JSON object: %v\n%s", a.status, err, a.body)
	}
	return v
}

// problem is what tests look at in a problem.
type problem struct {
	Type, Title, Code, Detail string
	Status                    int
	RequestID                 string `json:"request_id"`
	Errors                    []struct{ Pointer, In, Code, Detail string }
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answer %d (%s) is no problem: %v\n%s", a.status, a.header.Get("Content-Type"), err, a.body)
	}
	return p
}

// do sends a request with the world's key, JSON unless headers say otherwise, and
// holds the answer against the contract. Headers are "Name: value"; one without a
// value is not sent.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		if value = strings.TrimSpace(value); value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	return w.send(r, []byte(body))
}

func (w *world) send(r *http.Request, body []byte) answer {
	w.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{response.StatusCode, response.Header, string(received)}
	contract(w.t).check(w.t, r, body, a)
	return a
}

// accept sends a text and returns its id.
func (w *world) accept(body string, headers ...string) string {
	w.t.Helper()
	a := w.do("POST", "/v1/messages", body, headers...)
	if a.status != http.StatusAccepted {
		w.t.Fatalf("sending: %d %s", a.status, a.body)
	}
	id, _ := a.decode(w.t)["id"].(string)
	return id
}

// happen appends events to a message as the dispatcher would.
func (w *world) happen(id string, happened ...events.Event) {
	w.t.Helper()
	recorded, err := w.store.EventStore.Load(w.t.Context(), id)
	if err != nil || len(recorded) == 0 {
		w.t.Fatalf("loading %s: %d events, %v", id, len(recorded), err)
	}
	results, err := w.store.EventStore.Append(w.t.Context(), ports.Write{
		StreamID: id, Expected: len(recorded), Events: happened, Meta: recorded[0].Meta,
	})
	if err != nil || results[0].Err != nil {
		w.t.Fatal(err, results)
	}
}

// catchUp brings the views to the head of the log.
func (w *world) catchUp() {
	w.t.Helper()
	if err := w.runner.CatchUp(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// head returns the last position.
func (w *world) head() int64 {
	w.t.Helper()
	head, err := w.store.EventStore.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return head.LastPosition
}

// text is the JSON of a text with fields beyond the required ones.
func text(fields ...string) string {
	return `{"to":"` + number + `","body":"hello"` + strings.Join(append([]string{""}, fields...), ",") + `}`
}

// newTestKey issues a key with all scopes whose texts only the sandbox sends.
func (w *world) newTestKey(tenant string) string {
	w.t.Helper()
	return w.issue(commands.IssueKey{Tenant: tenant, Test: true}, domain.ScopeAdmin).Secret
}

// awaitLoads returns once the store was asked for n more streams than before.
func (w *world) awaitLoads(before, n int64) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); w.store.loads.Load() < before+n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%d loads, want %d", w.store.loads.Load()-before, n)
		}
	}
}
