package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Diagnosis is what a look at the server shows. Taking it changes nothing.
type Diagnosis struct {
	Version string
	// Allowed are statements on the log that the application role should be denied
	// and is not.
	Allowed []string
	// Missing are rights that the application role should have and has not, as they
	// are granted: "SELECT ON events".
	Missing []string
	Skew    time.Duration   // the server's clock, less ours
	Commits []time.Duration // what a durable commit took, shortest first
	// Lossy are settings with which a crash of the server, or a failover, can lose what it
	// confirmed: they have to be on.
	Lossy []string
	Owner bool // the login owns the log, or is a superuser
}

// forbidden are tried as the application role. They would change nothing even if
// they were allowed, and are rolled back.
var forbidden = []string{
	"INSERT INTO events SELECT * FROM events WHERE false",
	"UPDATE events SET type = type WHERE false",
	"DELETE FROM events WHERE false",
	"TRUNCATE events",
	"INSERT INTO commits SELECT * FROM commits WHERE false",
	"UPDATE commits SET link = link WHERE false",
	"DELETE FROM commits WHERE false",
	"TRUNCATE commits",
}

// Diagnose looks at the server as the application does: as its role.
func (db *DB) Diagnose(ctx context.Context) (Diagnosis, error) {
	var d Diagnosis
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return d, fmt.Errorf("diagnosing: %w", unavailable(err))
	}
	defer conn.Release()
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version'),
		pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass), 'USAGE')`).Scan(&d.Version, &d.Owner)
	if err != nil {
		return d, fmt.Errorf("diagnosing: %w", unavailable(err))
	}
	for _, look := range []func(context.Context, *pgx.Conn) error{d.tryForbidden, d.readRights, d.compareClocks, d.timeCommits, d.readSettings} {
		if err := look(ctx, conn.Conn()); err != nil {
			return d, fmt.Errorf("diagnosing: %w", unavailable(err))
		}
	}
	return d, nil
}

func (d *Diagnosis) tryForbidden(ctx context.Context, conn *pgx.Conn) error {
	for _, statement := range forbidden {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SET LOCAL lock_timeout = '1s'")
		if err == nil {
			_, err = tx.Exec(ctx, statement)
			refused, ok := errors.AsType[*pgconn.PgError](err)
			// The triggers refuse the owner with the same code, in the name of no table.
			if denied := ok && refused.Code == "42501" && refused.Where == ""; !denied {
				d.Allowed = append(d.Allowed, statement)
			}
			err = nil
		}
		if err = errors.Join(err, tx.Rollback(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// needed are the rights that the migrations grant to the application role. What a
// schema does not have yet nobody needs there.
const needed = `
	SELECT privilege || ' ON ' || name
	FROM (VALUES ('{SELECT}'::text[], '{events,commits,goose_db_version}'::text[]),
		('{SELECT,INSERT,UPDATE,DELETE}', '{messages,keys,projection_checkpoints,relay_offsets,dead_letters,replays,opt_outs,inbound,contacts,webhook_deliveries,webhook_health,keyring}'),
		('{SELECT,INSERT,UPDATE}', '{key_uses}')) AS rights (privileges, names),
		unnest(names) AS name, unnest(privileges) AS privilege
	WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name), privilege)
	UNION ALL
	SELECT 'EXECUTE ON FUNCTION ' || oid::regprocedure FROM pg_proc
	WHERE pronamespace = 'public'::regnamespace AND proname = ANY ('{append_events,view_shadow_create,view_shadow_index,view_shadow_analyze,view_shadow_swap,view_shadow_drop}')
		AND NOT has_function_privilege(oid, 'EXECUTE')`

func (d *Diagnosis) readRights(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, needed)
	if err != nil {
		return err
	}
	d.Missing, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}

// compareClocks takes the quickest of some answers, whose middle is the moment
// that it speaks of.
func (d *Diagnosis) compareClocks(ctx context.Context, conn *pgx.Conn) error {
	quickest := time.Duration(-1)
	for range 5 {
		var theirs time.Time
		asked := time.Now()
		if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&theirs); err != nil {
			return err
		}
		if took := time.Since(asked); quickest < 0 || took < quickest {
			quickest, d.Skew = took, theirs.Sub(asked.Add(took/2))
		}
	}
	return nil
}

// timeCommits commits records that nothing reads: they only have to reach the disk.
func (d *Diagnosis) timeCommits(ctx context.Context, conn *pgx.Conn) error {
	for range 9 {
		began := time.Now()
		if _, err := conn.Exec(ctx, "SELECT pg_logical_emit_message(true, 'prosms doctor', '')"); err != nil {
			return err
		}
		d.Commits = append(d.Commits, time.Since(began))
	}
	slices.Sort(d.Commits)
	return nil
}

// readSettings looks for those that are off, and for a commit that does not wait until it
// is on the disk of the standby, where there is one to wait for.
func (d *Diagnosis) readSettings(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT name FROM pg_settings
		WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
			OR name = 'synchronous_commit' AND setting IN ('local', 'remote_write') AND current_setting('synchronous_standby_names') <> ''
		ORDER BY name`)
	if err != nil {
		return err
	}
	d.Lossy, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}
