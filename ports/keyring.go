package ports

import "context"

// Keyring keeps the keys that protect personal data, as its users wrapped them:
// up to 1,024 bytes each, under a name. It is safe for concurrent use and obeys
// porttest.Keyring.
type Keyring interface {
	// KeepOrGet keeps key under name if nothing is kept there, and returns what
	// is. Of callers that come together one wins, and all get its key.
	KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error)

	// Replace puts key in the place of old. The error wraps ErrConflict when
	// something else is kept under name.
	Replace(ctx context.Context, name string, old, key []byte) error
}
