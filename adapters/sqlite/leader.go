package sqlite

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/ports"
)

// Leader gives roles out within the process, which is the only one there is.
type Leader struct{ db *DB }

// Leader returns what gives roles out; all of one DB compete with each other.
func (d *DB) Leader() *Leader { return &Leader{d} }

// Lead implements ports.Leader. The closing of the DB ends the ctx of run, too.
func (l *Leader) Lead(ctx context.Context, role string, run func(context.Context) error) error {
	ctx, cancel := l.db.bound(ctx)
	defer cancel()
	release, err := l.db.turns.take(ctx, "role "+role)
	if err != nil {
		return fmt.Errorf("waiting for role %s: %w", role, context.Cause(ctx))
	}
	defer release()
	return run(ctx)
}

// bound returns a context that ends with ctx, and with the DB, then for the
// reason of ports.ErrUnavailable.
func (d *DB) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	end := func() { cancel(fmt.Errorf("database is closed: %w", ports.ErrUnavailable)) }
	if d.ctx.Err() != nil {
		end() // AfterFunc would take its time
	}
	stop := context.AfterFunc(d.ctx, end)
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
