package ports

import (
	"context"
	"time"
)

// Limiter counts requests against limits. It is safe for concurrent use and obeys
// porttest.Limiter.
type Limiter interface {
	// Take takes one request from every limit, or from none if one of them has
	// none left. The error means that the limits could not be asked.
	Take(ctx context.Context, limits []Limit) (Taken, error)
}

// Limit allows Rate requests a second to Key, and bursts of Burst.
type Limit struct {
	Key   string // "key:<id>", "ip:<address or prefix>"
	Rate  int    // per second; 1 or more
	Burst int    // 1 or more
}

// Taken says whether a request may pass and how near the tightest limit is.
type Taken struct {
	Allowed    bool
	Tightest   int           // index of the limit that Remaining and the times speak of
	Remaining  int           // requests that could follow at once
	ResetAfter time.Duration // until the limit is whole again
	RetryAfter time.Duration // when refused: until one request may pass
}
