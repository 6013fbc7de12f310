package ports

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/domain/breaker"
)

// BreakerCounts adds up what instances see of a provider's health, in a window
// that slides in breaker.Buckets steps. It is safe for concurrent use and obeys
// porttest.BreakerCounts.
type BreakerCounts interface {
	// Add counts t now and returns what all instances have counted in the window
	// that ends now. The counting of an epoch begins with nothing; once a later
	// epoch of the provider is counted, an earlier one counts for nothing. The
	// error means that the counts could not be asked.
	Add(ctx context.Context, w CountWindow, t breaker.Tally) (breaker.Tally, error)
}

// CountWindow names a window.
type CountWindow struct {
	Provider string
	Epoch    int           // version of the breaker's stream: all that is counted was seen in one state
	Span     time.Duration // the same for all instances
}
