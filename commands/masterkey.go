package commands

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"

	"github.com/pro-sms/prosms/ports"
)

// ErrMasterKey says that the master key is not the one that a database's keys are
// wrapped with, or that there is none.
var ErrMasterKey = errors.New("keys of the database need the master key they were wrapped with")

// Master wraps the keys of a database. Each of its keys has 32 bytes; none means that
// keys are kept plain. With both, what Previous has wrapped can be read, too.
type Master struct {
	Present, Previous []byte
	// Next returns the key that others may have as Present by now. It is asked where
	// neither unwraps, and wraps nothing: another instance might not have it yet. nil:
	// there is none.
	Next func(context.Context) []byte
}

// wrapping returns a function that wraps keys by the present key, and is not made
// anew for each.
func (m Master) wrapping() (func(name string, key []byte) []byte, error) {
	if len(m.Present) == 0 {
		return func(_ string, key []byte) []byte { return append([]byte{keptPlain}, key...) }, nil
	}
	aead, err := wrapper(m.Present)
	if err != nil {
		return nil, err
	}
	return func(name string, key []byte) []byte {
		return aead.Seal([]byte{keptWrapped}, nil, key, []byte(name))
	}, nil
}

// The first byte of what is kept under a name.
const (
	keptPlain   = 0 // the key follows
	keptWrapped = 1 // a nonce of 12 bytes and the sealed key follow (AES-256-GCM, the name as additional data)
	keptNote    = 2 // nothing follows: not a key, but a note
)

func (m Master) wrap(name string, key []byte) ([]byte, error) {
	wrap, err := m.wrapping()
	if err != nil {
		return nil, err
	}
	return wrap(name, key), nil
}

func (m Master) unwrap(ctx context.Context, name string, kept []byte) ([]byte, error) {
	if len(kept) == 33 && kept[0] == keptPlain {
		return bytes.Clone(kept[1:]), nil
	}
	key, err := unwrap(name, kept, m.Present, m.Previous)
	if errors.Is(err, ErrMasterKey) && m.Next != nil {
		return unwrap(name, kept, m.Next(ctx))
	}
	return key, err
}

// unwrap returns a key that is wrapped by one of masters.
func unwrap(name string, kept []byte, masters ...[]byte) ([]byte, error) {
	for _, master := range masters {
		if len(master) == 0 || len(kept) == 0 || kept[0] != keptWrapped {
			continue
		}
		wrapper, err := wrapper(master)
		if err != nil {
			return nil, err
		}
		if key, err := wrapper.Open(nil, nil, kept[1:], []byte(name)); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("unwrapping key %s: %w", name, ErrMasterKey)
}

// wraps reports whether kept is wrapped by the present key.
func (m Master) wraps(name string, kept []byte) bool {
	_, err := unwrap(name, kept, m.Present)
	return err == nil
}

// wrapper brings its own random nonces.
func wrapper(master []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, fmt.Errorf("reading master key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Rewrap wraps every key of a keyring by the present master key, whatever it was
// wrapped by before, and returns how many it has changed of how many. It can be
// stopped and repeated, also while gateways run that have both master keys.
func Rewrap(ctx context.Context, keyring ports.Keyring, master Master) (changed, keys int, err error) {
	for after := ""; ; {
		names, err := keyring.Names(ctx, "", after, 500)
		if err != nil || len(names) == 0 {
			return changed, keys, err
		}
		after = names[len(names)-1]
		kept, err := keyring.Get(ctx, names...)
		if err != nil {
			return changed, keys, err
		}
		for _, name := range names {
			if kept[name] == nil || strings.HasPrefix(name, forgetPrefix) {
				continue
			}
			keys++
			if master.wraps(name, kept[name]) {
				continue
			}
			if err := rewrap(ctx, keyring, master, name, kept[name]); err != nil {
				return changed, keys, err
			}
			changed++
		}
	}
}

func rewrap(ctx context.Context, keyring ports.Keyring, master Master, name string, kept []byte) error {
	key, err := master.unwrap(ctx, name, kept)
	if err != nil {
		return err
	}
	wrapped, err := master.wrap(name, key)
	if err != nil {
		return err
	}
	if err := keyring.Replace(ctx, name, kept, wrapped); err != nil && !errors.Is(err, ports.ErrConflict) {
		return fmt.Errorf("wrapping key %s: %w", name, err)
	}
	return nil // on a conflict it was destroyed meanwhile, or wrapped by another
}
