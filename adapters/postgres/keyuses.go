package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// KeyUses is a ports.KeyUses over the table key_uses.
type KeyUses struct{ db *DB }

// KeyUses returns when API keys were used.
func (db *DB) KeyUses() *KeyUses { return &KeyUses{db} }

// Used implements ports.KeyUses.
func (k *KeyUses) Used(ctx context.Context, id string, at time.Time) error {
	_, err := k.db.pool.Exec(ctx, `
		INSERT INTO key_uses AS u (id, used_at) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at WHERE u.used_at < excluded.used_at`, id, at)
	if err != nil {
		return fmt.Errorf("noting the use of key %s: %w", id, unavailable(err))
	}
	return nil
}

// LastUsed implements ports.KeyUses.
func (k *KeyUses) LastUsed(ctx context.Context, ids []string) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	rows, err := k.db.pool.Query(ctx, `SELECT id, used_at FROM key_uses WHERE id = ANY ($1)`, ids)
	if err == nil {
		var id string
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
			last[id] = at.UTC()
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the uses of %d keys: %w", len(ids), unavailable(err))
	}
	return last, nil
}
