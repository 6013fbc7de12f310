package ports

import "context"

// Keyring keeps the keys that protect personal data, as its users wrapped them:
// up to 1,024 bytes each, under a name. It is safe for concurrent use and obeys
// porttest.Keyring. The keys that come with a Write are kept in it, too.
type Keyring interface {
	// KeepOrGet keeps key under name if nothing is kept there, and returns what
	// is. Of callers that come together one wins, and all get its key.
	KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error)

	// Get returns the keys that are kept among names, by name.
	Get(ctx context.Context, names ...string) (map[string][]byte, error)

	// Names returns up to limit names that begin with prefix and come after a name,
	// in the order of their bytes.
	Names(ctx context.Context, prefix, after string, limit int) ([]string, error)

	// Replace puts key in the place of old. The error wraps ErrConflict when
	// something else is kept under name.
	Replace(ctx context.Context, name string, old, key []byte) error

	// Delete destroys keys, all or none of them; names under which nothing is kept
	// do no harm. Once it returns, the database's own files hold no copy that is not
	// waiting to be overwritten (see the adapter). After an error call it again.
	Delete(ctx context.Context, names ...string) error
}

// Key is what a Keyring keeps under a name.
type Key struct {
	Name string
	Key  []byte
}
