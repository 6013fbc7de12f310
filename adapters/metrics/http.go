package metrics

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"
)

// Request counts an answered request: its route is the pattern of the path, empty
// where no route fits. Every 429 of the API comes from a limit.
func (m *Metrics) Request(ctx context.Context, method, route string, status int, took time.Duration) {
	class := strconv.Itoa(status/100) + "xx"
	observe(m.requests.WithLabelValues(method, cmp.Or(route, "none"), class), took.Seconds(), traceOf(ctx))
	if status == http.StatusTooManyRequests {
		m.rateLimited.Inc()
	}
}
