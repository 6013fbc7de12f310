package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

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

// Get implements ports.Keyring.
func (k *Keyring) Get(ctx context.Context, names ...string) (map[string][]byte, error) {
	rows, err := k.db.pool.Query(ctx, `SELECT name, key FROM keyring WHERE name = ANY ($1)`, names)
	if err != nil {
		return nil, fmt.Errorf("getting %d keys: %w", len(names), unavailable(err))
	}
	found := make(map[string][]byte, len(names))
	var name string
	var key []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &key}, func() error {
		found[name] = bytes.Clone(key)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("getting %d keys: %w", len(names), unavailable(err))
	}
	return found, nil
}

// Names implements ports.Keyring.
func (k *Keyring) Names(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	rows, err := k.db.pool.Query(ctx, `
		SELECT name FROM keyring WHERE name > $2 AND name >= $1 AND starts_with(name, $1) ORDER BY name LIMIT $3`, prefix, after, limit)
	if err == nil {
		var names []string
		if names, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return names, nil
		}
	}
	return nil, fmt.Errorf("listing keys %s: %w", prefix, unavailable(err))
}

// Delete implements ports.Keyring. The row's bytes stay in its page until VACUUM
// (autovacuum does it), and in the write-ahead log and backups for as long as those
// are kept.
func (k *Keyring) Delete(ctx context.Context, names ...string) error {
	if _, err := k.db.pool.Exec(ctx, `DELETE FROM keyring WHERE name = ANY ($1)`, names); err != nil {
		return fmt.Errorf("deleting %d keys: %w", len(names), unavailable(err))
	}
	return nil
}
