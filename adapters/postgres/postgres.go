// Package postgres keeps the log, the views and what instances agree on in
// PostgreSQL 13 or later.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pro-sms/prosms/ports/tail"
)

// DB is one process's access to a database. It is safe for concurrent use.
type DB struct {
	pool    *pgxpool.Pool
	sql     *sql.DB         // the same pool, for watermill-sql
	single  *pgx.ConnConfig // for connections outside the pool: see connect
	login   func(context.Context, *pgx.ConnConfig) error
	log     *slog.Logger
	frame   int // events in a frame at most
	changes changes
	tail    tail.Tail

	stop context.CancelFunc // of the listener
	wait sync.WaitGroup     // for the listener
}

// Open connects to the database, whose schema must be of this build's version:
// otherwise the error wraps ErrSchema. It wraps ports.ErrUnavailable if the server
// cannot be reached. ctx bounds Open alone; Close ends what Open starts.
func Open(ctx context.Context, config Config) (*DB, error) {
	pooled, err := config.pool()
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, config.URL); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pooled)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", unavailable(err))
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting: %w", unavailableAtStart(err))
	}
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	db := &DB{
		pool: pool, sql: stdlib.OpenDBFromPool(pool), single: pooled.ConnConfig, login: config.login,
		log: config.logger(), frame: config.frameSize(), stop: stop,
	}
	db.wait.Go(func() { db.listen(listening) })
	return db, nil
}

// connect opens a connection outside the pool.
func (db *DB) connect(ctx context.Context) (*pgx.Conn, error) {
	config := db.single.Copy()
	if err := db.login(ctx, config); err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// Close ends the listener and closes all connections. Feeds, leaders and calls in
// progress must have ended before: Close waits for the connections that they hold.
func (db *DB) Close() {
	db.stop()
	db.wait.Wait()
	_ = db.sql.Close() // only ever says that a pooled connection was closed
	db.pool.Close()
}

// Ping reports whether the server answers; otherwise the error wraps
// ports.ErrUnavailable.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.pool.Ping(ctx); err != nil {
		return fmt.Errorf("pinging database: %w", unavailable(err))
	}
	return nil
}

// Stats is the use of the connection pool at one moment.
type Stats struct {
	Acquired int // connections in use
	Max      int
}

// Stats returns the use of the pool.
func (db *DB) Stats() Stats {
	s := db.pool.Stat()
	return Stats{Acquired: int(s.AcquiredConns()), Max: int(s.MaxConns())}
}
