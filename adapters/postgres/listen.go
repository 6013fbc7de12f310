package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is notified by every commit.
const channel = "prosms_events"

const (
	relistenDelay = time.Second      // after a connection was lost; feeds poll meanwhile
	aliveInterval = 10 * time.Second // between proofs that a silent connection lives
)

// changes tells any number of waiters that the log has grown.
type changes struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that the next announcement closes.
func (c *changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *changes) announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// listen announces the commits of all instances until ctx ends. It is the only
// listener of the process and holds a connection of its own.
func (db *DB) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := db.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		db.log.Warn("listening to the log", "error", err)
		select {
		case <-time.After(relistenDelay):
		case <-ctx.Done():
		}
	}
}

// listenOnce returns when its connection is lost or ctx ends.
func (db *DB) listenOnce(ctx context.Context) error {
	conn, err := db.connect(ctx)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer closeConn(ctx, conn)
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	for {
		db.changes.announce() // also at first: something may have been missed
		if err := awaitNotification(ctx, conn); err != nil {
			return fmt.Errorf("waiting: %w", err)
		}
	}
}

// awaitNotification returns nil when a notification has come, and an error when
// ctx ends or the connection is lost.
func awaitNotification(ctx context.Context, conn *pgx.Conn) error {
	for {
		quiet, cancel := context.WithTimeout(ctx, aliveInterval)
		_, err := conn.WaitForNotification(quiet)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if err := pingConn(ctx, conn); err != nil {
			return err
		}
	}
}

func pingConn(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return conn.Ping(ctx)
}

// closeConn says goodbye although ctx may have ended, but does not wait long.
func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	_ = conn.Close(ctx) // it is gone either way
}
