package postgres

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// Keyring is a ports.Keyring over the table keyring.
type Keyring struct{ db *DB }

// Keyring returns the keys that protect personal data.
func (db *DB) Keyring() *Keyring { return &Keyring{db} }

// KeepOrGet implements ports.Keyring.
func (k *Keyring) KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error) {
	_, err := k.db.pool.Exec(ctx, `INSERT INTO keyring (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, key)
	if err != nil {
		return nil, fmt.Errorf("keeping key %s: %w", name, unavailable(err))
	}
	var kept []byte
	if err := k.db.pool.QueryRow(ctx, `SELECT key FROM keyring WHERE name = $1`, name).Scan(&kept); err != nil {
		return nil, fmt.Errorf("getting key %s: %w", name, unavailable(err))
	}
	return kept, nil
}

// Replace implements ports.Keyring.
func (k *Keyring) Replace(ctx context.Context, name string, old, key []byte) error {
	tag, err := k.db.pool.Exec(ctx, `UPDATE keyring SET key = $3 WHERE name = $1 AND key = $2`, name, old, key)
	if err != nil {
		return fmt.Errorf("replacing key %s: %w", name, unavailable(err))
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("replacing key %s: %w", name, ports.ErrConflict)
	}
	return nil
}
