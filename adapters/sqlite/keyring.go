package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
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

// Get implements ports.Keyring.
func (k *Keyring) Get(ctx context.Context, names ...string) (map[string][]byte, error) {
	found, err := getKeys(ctx, k.file.readers.QueryContext, names)
	if err != nil {
		return nil, fmt.Errorf("getting %d keys: %w", len(names), k.file.classify(err))
	}
	return found, nil
}

// getKeys returns the keys that are kept among names, by name.
func getKeys(ctx context.Context, query func(context.Context, string, ...any) (*sql.Rows, error), names []string) (map[string][]byte, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := query(ctx, `SELECT name, key FROM keyring WHERE name IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, err
	}
	found := make(map[string][]byte, len(names))
	err = each(rows, func(rows *sql.Rows) error {
		var name string
		var key []byte
		err := rows.Scan(&name, &key)
		found[name] = key
		return err
	})
	return found, err
}

// Names implements ports.Keyring.
func (k *Keyring) Names(ctx context.Context, prefix, after string, limit int) (names []string, err error) {
	rows, err := k.file.readers.QueryContext(ctx, `
		SELECT name FROM keyring WHERE name > ?2 AND name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?3`, prefix, after, limit)
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			names = append(names, name)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("listing keys %s: %w", prefix, k.file.classify(err))
	}
	return names, nil
}

// Delete implements ports.Keyring. The bytes are overwritten in the file
// (secure_delete), and those in the WAL are cut off with it. The error wraps
// ports.ErrUnavailable while a reader still needs the WAL.
func (k *Keyring) Delete(ctx context.Context, names ...string) error {
	err := k.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, `DELETE FROM keyring WHERE name = ?`, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = k.file.truncateWAL(ctx)
	}
	if err != nil {
		return fmt.Errorf("deleting %d keys: %w", len(names), k.file.classify(err))
	}
	return nil
}
