package ports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a credential. Printing, logging or encoding it shows stars.
type Secret string

// Format writes stars for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "****") }

// LogValue returns stars.
func (s Secret) LogValue() slog.Value { return slog.StringValue("****") }

// MarshalText returns stars.
func (s Secret) MarshalText() ([]byte, error) { return []byte("****"), nil }

// ErrNoSecret says that a store of secrets was asked and has no such secret.
var ErrNoSecret = errors.New("no such secret")

// Secrets reads secrets out of a store that others keep. It is safe for
// concurrent use and obeys porttest.Secrets.
type Secrets interface {
	// Read returns the fields of the secret at path as they are now; under the
	// empty name all of one that has no fields. Its error quotes neither the
	// path nor anything of the secret, and wraps ErrNoSecret if there is none.
	Read(ctx context.Context, path string) (map[string]string, error)
}
