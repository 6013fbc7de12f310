package httpcall

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is the longest wish that is granted; a provider that asks for more
// is thought to be mistaken.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads Retry-After (RFC 9110, 10.2.3): seconds, or a date, which is
// taken by the clock of whoever sent it if they told the time. 0 means that there
// is no usable wish.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
