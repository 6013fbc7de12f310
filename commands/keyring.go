package commands

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// ErrMasterKey says that the master key is not the one that a database's keys are
// wrapped with, or that there is none.
var ErrMasterKey = errors.New("keys of the database need the master key they were wrapped with")

// lookupKeyName is the keyring's name for the key of Lookup.
const lookupKeyName = "lookup"

// The first byte of a kept key.
const (
	keptPlain   = 0 // the key follows
	keptNote    = 2 // nothing follows: not a key, but a note
	keptWrapped = 1 // a nonce of 12 bytes and the sealed key follow (AES-256-GCM, the name as additional data)
)

// OpenLookup returns the database's lookup key, which is made at the first call
// ever. With a master key (32 bytes) it is kept wrapped; one that was kept plain
// is wrapped then, so a master key can be introduced at any time.
func OpenLookup(ctx context.Context, keyring ports.Keyring, master []byte) (Lookup, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails: it crashes the program instead
	candidate, err := wrap(master, lookupKeyName, fresh)
	if err != nil {
		return nil, err
	}
	kept, err := keyring.KeepOrGet(ctx, lookupKeyName, candidate)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", lookupKeyName, err)
	}
	key, err := unwrap(master, lookupKeyName, kept)
	if err != nil || len(master) == 0 || kept[0] == keptWrapped {
		return key, err
	}
	wrapped, err := wrap(master, lookupKeyName, key)
	if err != nil {
		return nil, err
	}
	if err := keyring.Replace(ctx, lookupKeyName, kept, wrapped); err != nil {
		return nil, fmt.Errorf("wrapping key %s: %w", lookupKeyName, err)
	}
	return key, nil
}

func wrap(master []byte, name string, key []byte) ([]byte, error) {
	if len(master) == 0 {
		return append([]byte{keptPlain}, key...), nil
	}
	sealer, err := sealer(master)
	if err != nil {
		return nil, err
	}
	return append([]byte{keptWrapped}, sealer.Seal(nil, nil, key, []byte(name))...), nil
}

func unwrap(master []byte, name string, kept []byte) ([]byte, error) {
	switch {
	case len(kept) == 33 && kept[0] == keptPlain:
		return bytes.Clone(kept[1:]), nil
	case len(kept) == 0 || kept[0] != keptWrapped || len(master) == 0:
		return nil, fmt.Errorf("unwrapping key %s: %w", name, ErrMasterKey)
	}
	sealer, err := sealer(master)
	if err != nil {
		return nil, err
	}
	key, err := sealer.Open(nil, nil, kept[1:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("unwrapping key %s: %w", name, ErrMasterKey)
	}
	return key, nil
}

// sealer brings its own random nonces.
func sealer(master []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, fmt.Errorf("reading master key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
