package sandbox

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// hangTime is how long a call hangs by default: longer than anybody waits.
const hangTime = 5 * time.Minute

// htmlPage is what a proxy in front of Twilio answers; it is no JSON, and longer
// than the 512 bytes at which careless readers stop.
var htmlPage = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1>" +
	strings.Repeat("<p>The upstream server could not be reached in time.</p>", 16) + "</body></html>\n"

// misbehave answers as f says. The caller has taken the text on if f accepts, and
// has read the whole request.
func (s *Sandbox) misbehave(w http.ResponseWriter, r *http.Request, f Fault) {
	switch f.Do {
	case Drop, Offline:
		cut(w)
	case Hang:
		s.wait(r.Context(), cmp.Or(time.Duration(f.For), hangTime))
		cut(w)
	case Throttle:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		writeError(w, apiError{http.StatusTooManyRequests, 20429, "Too Many Requests"})
	case Unauthorized:
		writeError(w, errAuthenticate)
	case Junk:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid": "SM`)
	default:
		status := cmp.Or(f.Status, http.StatusInternalServerError)
		if f.Code != 0 {
			writeError(w, apiError{status, f.Code, "Scripted"})
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, htmlPage)
	}
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// Nothing to cut, as in HTTP/2: an empty success is as unreadable.
		w.WriteHeader(http.StatusCreated)
		return
	}
	_ = conn.Close()
}
