package memory

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/pro-sms/prosms/ports"
)

// Keyring is a ports.Keyring that lasts as long as the process. The zero value
// is ready; it must not be copied.
type Keyring struct {
	mu   sync.Mutex
	keys map[string][]byte
}

// KeepOrGet implements ports.Keyring.
func (k *Keyring) KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[string][]byte{}
	}
	if k.keys[name] == nil {
		k.keys[name] = bytes.Clone(key)
	}
	return bytes.Clone(k.keys[name]), ctx.Err()
}

// Replace implements ports.Keyring.
func (k *Keyring) Replace(ctx context.Context, name string, old, key []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !bytes.Equal(k.keys[name], old) {
		return fmt.Errorf("replacing key %s: %w", name, ports.ErrConflict)
	}
	k.keys[name] = bytes.Clone(key)
	return ctx.Err()
}
