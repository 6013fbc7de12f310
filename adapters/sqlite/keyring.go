package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// lookupKey is the name under which the key of look-ups is kept.
const lookupKey = "lookup"

// Keyring keeps keys in the file of the log.
type Keyring struct{ file *file }

// Keyring returns the keys of the database.
func (d *DB) Keyring() *Keyring { return &Keyring{d.log} }

// LookupKey implements ports.Keyring.
func (k *Keyring) LookupKey(ctx context.Context) ([]byte, error) {
	var key []byte
	const find = `SELECT key FROM keyring WHERE name = ?`
	err := k.file.readers.QueryRowContext(ctx, find, lookupKey).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		err = k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
			fresh := make([]byte, 32)
			_, _ = rand.Read(fresh) // never fails: it crashes the program instead
			const create = `INSERT INTO keyring (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING`
			if _, err := tx.ExecContext(ctx, create, lookupKey, fresh); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, find, lookupKey).Scan(&key)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", lookupKey, k.file.classify(err))
	}
	return key, nil
}
