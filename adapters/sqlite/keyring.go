package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// Keyring keeps keys in the file of the log.
type Keyring struct{ file *file }

// Keyring returns the keys of the database.
func (d *DB) Keyring() *Keyring { return &Keyring{d.log} }

// KeepOrGet implements ports.Keyring.
func (k *Keyring) KeepOrGet(ctx context.Context, name string, key []byte) ([]byte, error) {
	kept, err := k.get(ctx, name)
	if kept != nil || err != nil {
		return kept, err
	}
	err = k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
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

// get returns what is kept under name; nil for nothing. It needs no turn to write,
// and so works beside the process that writes, too.
func (k *Keyring) get(ctx context.Context, name string) (kept []byte, err error) {
	err = k.file.readers.QueryRowContext(ctx, `SELECT key FROM keyring WHERE name = ?`, name).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", name, k.file.classify(err))
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
