package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// leadInterval is how often a taken role is tried. Waiting inside the server would
// be quicker but hold a snapshot open, which keeps vacuum from its work.
const leadInterval = 500 * time.Millisecond

// Leader is a ports.Leader by session advisory locks, each on a connection of its
// own. When that connection is lost the server frees the lock, and run's ctx ends:
// at once where the loss is seen, otherwise within 12 s. For that long a role may
// have two holders, and what it does must bear that.
type Leader struct{ db *DB }

// Leader returns the way to compete for roles with other instances.
func (db *DB) Leader() *Leader { return &Leader{db} }

// Lead implements ports.Leader. It waits through outages of the server.
func (l *Leader) Lead(ctx context.Context, role string, run func(context.Context) error) error {
	conn, err := l.win(ctx, role)
	if err != nil {
		return fmt.Errorf("waiting for role %s: %w", role, err)
	}
	defer closeConn(ctx, conn) // which gives the role up

	ctx, lose := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { lose(l.watch(ctx, role, conn)) })
	defer watch.Wait()
	defer lose(nil)
	return run(ctx)
}

// win returns a connection that holds the role, or the error of ctx.
func (l *Leader) win(ctx context.Context, role string) (*pgx.Conn, error) {
	var conn *pgx.Conn
	for {
		won := false
		err := ctx.Err()
		if conn == nil && err == nil {
			conn, err = l.db.connect(ctx)
		}
		if err == nil {
			// Two keys of 32 bits: the append lock is one of 64 and cannot collide.
			err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('role'), hashtext($1))`, role).Scan(&won)
		}
		if won {
			return conn, nil
		}
		if err != nil && conn != nil {
			closeConn(ctx, conn)
			conn = nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			l.db.log.Warn("competing for a role", "role", role, "error", err)
		}
		select {
		case <-time.After(leadInterval):
		case <-ctx.Done():
		}
	}
}

// watch returns when the connection is lost or ctx ends.
func (l *Leader) watch(ctx context.Context, role string, conn *pgx.Conn) error {
	for {
		if err := awaitNotification(ctx, conn); err != nil {
			return fmt.Errorf("role %s lost: %w", role, unavailable(err))
		}
	}
}
