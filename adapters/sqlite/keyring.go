package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// Keyring keeps keys in the file of the log.
type Keyring struct{ file *file }

// Keyring returns the keys of the database.
func (d *DB) Keyring() *Keyring { return &Keyring{d.log} }

// KeepOrGet implements ports.Keyring.
func (k *Keyring) KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error) {
	var kept []byte
	err := k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO keyring (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, key); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT key FROM keyring WHERE name = ?`, name).Scan(&kept)
	})
	if err != nil {
		return nil, fmt.Errorf("keeping key %s: %w", name, k.file.classify(err))
	}
	return kept, nil
}

// Replace implements ports.Keyring.
func (k *Keyring) Replace(ctx context.Context, name string, old, key []byte) error {
	var changed int64
	err := k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE keyring SET key = ? WHERE name = ? AND key = ?`, key, name, old)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return fmt.Errorf("replacing key %s: %w", name, k.file.classify(err))
	}
	if changed == 0 {
		return fmt.Errorf("replacing key %s: %w", name, ports.ErrConflict)
	}
	return nil
}
