package api

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
)

// Starting answers for a gateway that waits for its store, on either listener: it
// lives, it is not ready, and whatever else is asked of it is refused with 503 and
// Retry-After, as when the store goes away later. store returns why there is none.
func Starting(store func(context.Context) error) http.Handler {
	// Whoever waits logs why; each probe need not.
	h := newHealth([]Check{{Name: "store", Required: true, Func: store}}, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", plain(h.live))
	mux.HandleFunc("GET /readyz", plain(h.ready))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		res := &response{ResponseWriter: w, requestID: requestID(r), routed: true}
		res.prepare()
		res.Header().Set("Retry-After", strconv.Itoa(retryAfterUnavailable))
		p := errUnavailable.problem()
		p.RequestID = res.requestID
		_ = writeAs(res, "application/problem+json", p.Status, p) // an error means that the client is gone
	})
	return mux
}
