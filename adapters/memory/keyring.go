package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Get implements ports.Keyring.
func (k *Keyring) Get(ctx context.Context, names ...string) (map[string][]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := make(map[string][]byte, len(names))
	for _, name := range names {
		if key := k.keys[name]; key != nil {
			found[name] = bytes.Clone(key)
		}
	}
	return found, ctx.Err()
}

// Names implements ports.Keyring.
func (k *Keyring) Names(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(k.keys)) {
		if strings.HasPrefix(name, prefix) && name > after && len(names) < limit {
			names = append(names, name)
		}
	}
	return names, ctx.Err()
}

// Delete implements ports.Keyring.
func (k *Keyring) Delete(ctx context.Context, names ...string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range names {
		delete(k.keys, name)
	}
	return ctx.Err()
}

// differs reports whether something else than key is kept under its name.
func (k *Keyring) differs(key ports.Key) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := k.keys[key.Name]
	return kept != nil && !bytes.Equal(kept, key.Key)
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
