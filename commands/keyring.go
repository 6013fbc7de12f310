package commands

import (
	"context"

	"github.com/pro-sms/prosms/ports"
)

// OpenLookup returns the database's lookup key.
func OpenLookup(ctx context.Context, keyring ports.Keyring, _ []byte) (Lookup, error) {
	return keyring.LookupKey(ctx)
}
