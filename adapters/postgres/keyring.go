package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Keyring is a ports.Keyring over the table keyring.
type Keyring struct{ db *DB }

// Keyring returns the keys that protect personal data.
func (db *DB) Keyring() *Keyring { return &Keyring{db} }

const lookupName = "lookup"

// LookupKey implements ports.Keyring. Of instances that make the key at the same
// moment one wins, and all return its key.
func (k *Keyring) LookupKey(ctx context.Context) ([]byte, error) {
	key, err := k.find(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		if err = k.make(ctx); err == nil {
			key, err = k.find(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("getting key %s: %w", lookupName, unavailable(err))
	}
	return key, nil
}

func (k *Keyring) find(ctx context.Context) (key []byte, err error) {
	err = k.db.pool.QueryRow(ctx, `SELECT key FROM keyring WHERE name = $1`, lookupName).Scan(&key)
	return key, err
}

func (k *Keyring) make(ctx context.Context) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it crashes the program instead
	_, err := k.db.pool.Exec(ctx,
		`INSERT INTO keyring (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`, lookupName, key)
	return err
}
