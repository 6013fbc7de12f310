package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Importer writes a log that was written elsewhere. The triggers of the log hold
// for it as for everybody.
type Importer struct{ store *EventStore }

// Importer returns what moves a log into this one.
func (d *DB) Importer() *Importer { return &Importer{d.store} }

// Import implements ports.Importer: one transaction and one sync of the file.
func (i *Importer) Import(ctx context.Context, commits ...ports.WholeCommit) error {
	err := i.store.file.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		tip, err := scanCommit(tx.StmtContext(ctx, i.store.tip).QueryRowContext(ctx))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("reading tip: %w", err)
		}
		if err := ports.CheckImport(tip, commits); err != nil {
			return err
		}
		for _, c := range commits {
			if err := i.store.place(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(commits) > 0 {
		i.store.tail.Drop()
		i.store.changed.wake()
	}
	return err
}

// place writes a commit as it is.
func (s *EventStore) place(ctx context.Context, tx *sql.Tx, c ports.WholeCommit) error {
	insert := tx.StmtContext(ctx, s.insert)
	recordedAt := formatTime(c.RecordedAt)
	for _, r := range c.Events {
		if _, err := insert.ExecContext(ctx, r.Position, r.StreamID, r.Version, r.Type, r.Schema,
			string(r.RawData), string(r.RawMeta), recordedAt, r.Digest[:]); err != nil {
			return fmt.Errorf("inserting position %d: %w", r.Position, err)
		}
	}
	if _, err := tx.StmtContext(ctx, s.link).ExecContext(ctx, c.FirstPosition, c.LastPosition, c.Link[:], recordedAt); err != nil {
		return fmt.Errorf("inserting commit at %d: %w", c.FirstPosition, err)
	}
	return nil
}

// Exporter reads what stands beside the log in its file.
type Exporter struct{ file *file }

// Exporter returns what a move takes along besides the log.
func (d *DB) Exporter() *Exporter { return &Exporter{d.log} }

// Keys implements ports.Exporter.
func (x *Exporter) Keys(ctx context.Context, after string, limit int) ([]ports.NamedKey, error) {
	var keys []ports.NamedKey
	rows, err := x.file.readers.QueryContext(ctx, `SELECT name, key FROM keyring WHERE name > ? ORDER BY name LIMIT ?`, after, max(limit, 0))
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var k ports.NamedKey
			err := rows.Scan(&k.Name, &k.Key)
			keys = append(keys, k)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the keyring: %w", x.file.classify(err))
	}
	return keys, nil
}

// KeyUses implements ports.Exporter.
func (x *Exporter) KeyUses(ctx context.Context) (map[string]time.Time, error) {
	uses := map[string]time.Time{}
	rows, err := x.file.readers.QueryContext(ctx, `SELECT id, used_at FROM key_uses`)
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var id string
			var at int64
			err := rows.Scan(&id, &at)
			uses[id] = time.UnixMicro(at).UTC()
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the uses of keys: %w", x.file.classify(err))
	}
	return uses, nil
}
