package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// KeyUses keeps when API keys were used, in the file of the log.
type KeyUses struct{ file *file }

// KeyUses returns when API keys were used.
func (d *DB) KeyUses() *KeyUses { return &KeyUses{d.log} }

// Used implements ports.KeyUses.
func (k *KeyUses) Used(ctx context.Context, id string, at time.Time) error {
	err := k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO key_uses (id, used_at) VALUES (?, ?)
			ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at WHERE used_at < excluded.used_at`, id, at.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("noting the use of key %s: %w", id, err)
	}
	return nil
}

// LastUsed implements ports.KeyUses.
func (k *KeyUses) LastUsed(ctx context.Context, ids []string) (map[string]time.Time, error) {
	asked, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("asking for %d keys: %w", len(ids), err)
	}
	last := map[string]time.Time{}
	rows, err := k.file.readers.QueryContext(ctx, `SELECT id, used_at FROM key_uses WHERE id IN (SELECT value FROM json_each(?))`, string(asked))
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var id string
			var at int64
			err := rows.Scan(&id, &at)
			last[id] = time.UnixMicro(at).UTC()
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the uses of %d keys: %w", len(ids), k.file.classify(err))
	}
	return last, nil
}
