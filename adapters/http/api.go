package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// api is a Server at work: its configuration with the defaults filled in, and
// what it keeps between requests.
type api struct {
	Server
	log      *slog.Logger
	mux      *http.ServeMux
	keys     *keyCache
	noted    noted
	polls    *polls
	health   *health
	requests slots
	batches  slots
	streams  slots
	closing  context.Context // ends when the server shuts down
	close    context.CancelFunc
}

func (s *Server) build() *api {
	a := &api{
		Server:   *s,
		log:      cmp.Or(s.Log, slog.Default()),
		mux:      http.NewServeMux(),
		polls:    newPolls(s.Queries.Store, cmp.Or(s.MaxPolls, 10_000)),
		requests: make(slots, cmp.Or(s.MaxRequests, 2048)),
		batches:  make(slots, cmp.Or(s.MaxBatches, 16)),
		streams:  make(slots, cmp.Or(s.MaxStreams, 32)),
	}
	a.PublicURL = strings.TrimSuffix(s.PublicURL, "/")
	a.Timeout = cmp.Or(s.Timeout, 15*time.Second)
	if a.Webhooks == nil {
		a.Webhooks = &commands.Webhooks{Store: s.Queries.Store, Views: s.Queries.Views, Lookup: s.Commands.Lookup}
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	a.keys = &keyCache{Load: s.Commands.Key, TTL: cmp.Or(s.KeyTTL, time.Second), Now: a.Now, Shared: s.SharedKeys, Seal: s.Commands.Lookup.KeySeal()}
	a.health = newHealth(s.Checks, a.log)
	a.closing, a.close = context.WithCancel(context.Background())
	for _, r := range a.routes() {
		a.mux.Handle(r.pattern, a.serve(r))
	}
	return a
}

func (a *api) wrapped() http.Handler {
	if a.Wrap == nil {
		return a
	}
	return a.Wrap(a)
}

// ServeHTTP answers one request, whatever becomes of it, and logs it without
// saying whom it was about.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	res := &response{ResponseWriter: w, requestID: requestID(r)}
	res.prepare()
	defer func() {
		if thrown := recover(); thrown != nil {
			if thrown == http.ErrAbortHandler {
				panic(thrown) // net/http's own way of dropping a connection
			}
			a.log.Error("handling a request panicked", "route", res.route,
				"request_id", res.requestID, "panic", fmt.Sprintf("%T", thrown), "stack", string(debug.Stack()))
			a.answer(res, r, errInternal)
		}
		a.record(res, r, time.Since(start))
	}()
	a.mux.ServeHTTP(res, r)
	if !res.routed {
		a.answer(res, r, a.unrouted(res, r))
	}
}

// record logs and counts an answered request. Neither path nor query appear: they
// may name people.
func (a *api) record(res *response, r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	if res.quiet {
		level = slog.LevelDebug
	}
	about := slog.Attr{} // which is not written
	if id := messageID(res, r); id != "" {
		about = slog.String("message", id)
	}
	var refused slog.Attr
	if res.refused != nil {
		refused = slog.Any("error", res.refused)
	}
	a.log.LogAttrs(r.Context(), level, "request",
		slog.String("method", knownMethod(r.Method)), slog.String("route", res.route), slog.Int("status", res.status),
		slog.Duration("duration", took), slog.String("request_id", res.requestID), about, refused)
	if a.Observe != nil {
		a.Observe(r.Context(), Exchange{Method: knownMethod(r.Method), Route: res.route, Status: res.status, Duration: took})
	}
}

// messageID returns the id of the message that a request made, or was about; empty:
// none, or several. Clients may put anything into a path, so only what has the very
// form of our ids is taken for one.
func messageID(res *response, r *http.Request) string {
	id := strings.TrimPrefix(res.Header().Get("Location"), "/v1/messages/")
	if id == "" {
		id = r.PathValue("id")
	}
	if id == "" && strings.HasPrefix(res.route, "/webhooks/") {
		id = r.URL.Query().Get("m")
	}
	digits, ok := strings.CutPrefix(id, "msg_")
	if !ok || len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	return id
}

// knownMethod keeps what clients invent out of logs and labels.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

// serve wraps a route: it lets in who may come in, bounds the work in number and
// time, and turns errors into problems.
func (a *api) serve(route route) http.Handler {
	_, path, _ := strings.Cut(route.pattern, " ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := w.(*response)
		res.route, res.routed, res.quiet = path, true, route.access == exempt
		if err := a.enter(res, r, route); err != nil {
			a.answer(res, r, err)
		}
	})
}

func (a *api) enter(res *response, r *http.Request, route route) error {
	if route.access != exempt {
		if !a.requests.tryTake() {
			return errOverloaded
		}
		defer a.requests.free()
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
	defer cancel()
	caller, err := a.admit(ctx, res, r, route)
	if err != nil {
		return err
	}
	if !route.queried && route.access.needsKey() {
		if q := readQuery(r); q.err != nil {
			return q.err
		}
	}
	if strings.Contains(route.pattern, "{id}") && !wellFormed(r.PathValue("id")) {
		return errNotFound
	}
	if route.waits { // it bounds its work itself
		return route.handle(res, r, caller)
	}
	return route.handle(res, r.WithContext(ctx), caller)
}

// unrouted says why no route matched: the path, or only the method.
func (a *api) unrouted(res *response, r *http.Request) error {
	res.Header().Del("Location") // the mux would send paths that are not clean elsewhere
	if err := a.limitStranger(r.Context(), res, r); err != nil {
		return err
	}
	if res.status == http.StatusMethodNotAllowed {
		return errMethodNotAllowed // the mux has set Allow
	}
	return errNotFound
}

// handler answers a request, or returns the error that becomes its problem. It
// must not do both.
type handler func(w http.ResponseWriter, r *http.Request, caller commands.Caller) error

// queries answers what caller may know: a test key knows of test messages only.
func (a *api) queries(caller commands.Caller) projections.Queries {
	q := a.Queries
	q.TestOnly = caller.Test
	return q
}
