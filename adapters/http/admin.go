package api

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// AdminHandler serves operators on a listener of their own: /metrics, /debug/pprof/,
// /livez and /readyz, and at /debug/flight the last seconds of the runtime's trace,
// if it is recorded. A nil log is slog.Default. It has no authentication: the listener
// must not be public.
func AdminHandler(metrics, flight http.Handler, checks []Check, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	h := newHealth(checks, cmp.Or(log, slog.Default()))
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /livez", plain(h.live))
	mux.HandleFunc("GET /readyz", plain(h.ready))
	mux.Handle("GET /debug/flight", flight)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'") // the index of profiles brings its style along
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !strings.HasPrefix(r.URL.Path, "/debug/") { // profiles take as long as they are told to
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders of tests have none
		}
		mux.ServeHTTP(w, r)
	})
}

// plain makes a handler of h, whose only error is a client that is gone.
func plain(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = h(w, r, commands.Caller{})
	}
}
