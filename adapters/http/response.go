package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// response notes what was answered, for the log. Until a route has taken the
// request it swallows what the mux says, which becomes a problem instead.
type response struct {
	http.ResponseWriter
	requestID string
	route     string
	routed    bool
	quiet     bool  // too frequent and too dull for the log
	status    int   // 0: not answered yet
	refused   error // why it was answered with 503
}

// prepare sets the headers of every answer. Answers are JSON about people: no
// cache may keep them and no browser may render or embed them.
func (r *response) prepare() {
	h := r.Header()
	h.Set("X-Request-Id", r.requestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// WriteHeader notes the status and gives the answer its deadline.
func (r *response) WriteHeader(status int) {
	if r.status == 0 || !r.routed {
		r.status = status
	}
	if !r.routed {
		return
	}
	// A client that does not read must not hold the connection for ever. Not
	// every ResponseWriter has deadlines; those that serve sockets do.
	_ = r.controller().SetWriteDeadline(time.Now().Add(writeTimeout))
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *response) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if !r.routed {
		return len(b), nil
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *response) controller() *http.ResponseController {
	return http.NewResponseController(r.ResponseWriter)
}

// writeJSON answers with status and v.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	return writeAs(w, "application/json", status, v)
}

func writeAs(w http.ResponseWriter, contentType string, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding answer: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		return errGone
	}
	return nil
}

// requestID is the client's where it is fit for a log: 1 to 64 characters from a
// small alphabet, with a letter among them so that it is no phone number.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	letters := false
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letters = true
		case c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return newRequestID()
		}
	}
	if !letters || len(id) > 64 {
		return newRequestID()
	}
	return id
}

func newRequestID() string { return "req_" + rand.Text() }
