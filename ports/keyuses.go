package ports

import (
	"context"
	"time"
)

// KeyUses remembers when API keys were last used. It stands beside the log: to
// lose it does no harm. It is safe for concurrent use and obeys porttest.KeyUses.
type KeyUses interface {
	// Used notes that a key was used at a time. An earlier time than is known
	// changes nothing.
	Used(ctx context.Context, id string, at time.Time) error

	// LastUsed returns what is known of keys, to the microsecond; nothing of one
	// that was never used.
	LastUsed(ctx context.Context, ids []string) (map[string]time.Time, error)
}
