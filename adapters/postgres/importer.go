package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports"
)

// Importer writes a log that was written elsewhere, with the rights of the login:
// the application's role may not insert. The triggers that refuse every change of
// what is there hold for it, too. It is not safe for concurrent use.
type Importer struct{ conn *pgx.Conn }

// OpenImporter connects to a database, as whom url logs in. The schema must be of
// this build's version. ctx bounds OpenImporter alone.
func OpenImporter(ctx context.Context, url string) (*Importer, error) {
	config, err := Config{URL: url}.pool()
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, url); err != nil {
		return nil, err
	}
	config.ConnConfig.AfterConnect = nil // not as the application's role
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", unavailable(err))
	}
	return &Importer{conn}, nil
}

// Close ends the connection.
func (i *Importer) Close() error { return i.conn.Close(context.Background()) }

// Import implements ports.Importer. It takes its turn with those who append.
func (i *Importer) Import(ctx context.Context, commits ...ports.WholeCommit) error {
	err := pgx.BeginFunc(ctx, i.conn, func(tx pgx.Tx) error { return place(ctx, tx, commits) })
	return unavailable(err)
}

func place(ctx context.Context, tx pgx.Tx, commits []ports.WholeCommit) error {
	for _, statement := range []string{
		`SELECT pg_advisory_xact_lock(7241390056218843)`,      // that of append_events
		`SET LOCAL search_path = pg_catalog, public, pg_temp`, // as well, or a trigger refuses who inserts
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("waiting for a turn: %w", err)
		}
	}
	rows, err := tx.Query(ctx, selectCommits+`ORDER BY first_position DESC LIMIT 1`)
	if err != nil {
		return fmt.Errorf("reading tip: %w", err)
	}
	tip, err := pgx.CollectOneRow(rows, scanCommit)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("reading tip: %w", err)
	}
	if err := ports.CheckImport(tip, commits); err != nil {
		return err
	}
	var placed, links [][]any
	for _, c := range commits {
		links = append(links, []any{c.FirstPosition, c.LastPosition, c.Link[:], c.RecordedAt})
		for _, r := range c.Events {
			placed = append(placed, []any{
				r.Position, r.StreamID, r.Version, r.Type, r.Schema, []byte(r.RawData), []byte(r.RawMeta), r.RecordedAt, r.Digest[:],
			})
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"public", "events"}, []string{
		"position", "stream_id", "version", "type", "schema", "data", "meta", "recorded_at", "digest",
	}, pgx.CopyFromRows(placed)); err != nil {
		return fmt.Errorf("inserting events: %w", err)
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"public", "commits"}, []string{
		"first_position", "last_position", "link", "recorded_at",
	}, pgx.CopyFromRows(links)); err != nil {
		return fmt.Errorf("inserting commits: %w", err)
	}
	_, err = tx.Exec(ctx, `SELECT pg_notify('prosms_events', '')`)
	return err
}

// Exporter reads what stands beside the log.
type Exporter struct{ db *DB }

// Exporter returns what a move takes along besides the log.
func (db *DB) Exporter() *Exporter { return &Exporter{db} }

// Keys implements ports.Exporter.
func (x *Exporter) Keys(ctx context.Context, after string, limit int) ([]ports.NamedKey, error) {
	rows, err := x.db.pool.Query(ctx, `SELECT name, key FROM keyring WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
	if err == nil {
		var keys []ports.NamedKey
		if keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ports.NamedKey]); err == nil {
			return keys, nil
		}
	}
	return nil, fmt.Errorf("reading the keyring: %w", unavailable(err))
}

// KeyUses implements ports.Exporter.
func (x *Exporter) KeyUses(ctx context.Context) (map[string]time.Time, error) {
	uses := map[string]time.Time{}
	rows, err := x.db.pool.Query(ctx, `SELECT id, used_at FROM key_uses`)
	if err == nil {
		var id string
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
			uses[id] = at.UTC()
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the uses of keys: %w", unavailable(err))
	}
	return uses, nil
}
