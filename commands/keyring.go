package commands

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// lookupKeyName is the keyring's name for the key of Lookup.
const lookupKeyName = "lookup"

// OpenLookup returns the database's lookup key, which is made at the first call
// ever. With a master key it is kept wrapped; one that was kept plain is wrapped
// then, so a master key can be introduced at any time.
func OpenLookup(ctx context.Context, keyring ports.Keyring, master Master) (Lookup, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails: it crashes the program instead
	candidate, err := master.wrap(lookupKeyName, fresh)
	if err != nil {
		return nil, err
	}
	kept, err := keyring.KeepOrGet(ctx, lookupKeyName, candidate)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", lookupKeyName, err)
	}
	key, err := master.unwrap(ctx, lookupKeyName, kept)
	if err != nil || len(master.Present) == 0 || kept[0] == keptWrapped {
		return key, err
	}
	wrapped, err := master.wrap(lookupKeyName, key)
	if err != nil {
		return nil, err
	}
	if err := keyring.Replace(ctx, lookupKeyName, kept, wrapped); err != nil {
		return nil, fmt.Errorf("wrapping key %s: %w", lookupKeyName, err)
	}
	return key, nil
}
