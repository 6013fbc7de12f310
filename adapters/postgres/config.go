package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says where the database is and how to use it. Only URL is required.
type Config struct {
	URL       string       // postgres://…; a member of role prosms_app, or the owner
	MaxConns  int          // in the pool; 0 means 10. Each Feed holds one while a frame is handled
	FrameSize int          // events in a frame of a Feed at most; 0 means 500
	Logger    *slog.Logger // nil logs nothing

	// Login returns the user and the password for a new connection, in place of those
	// in URL: a secret may change while connections that it has opened live on. nil:
	// it does not change.
	Login func(context.Context) *url.Userinfo

	// StatementTimeout bounds every statement, so that a connection that nobody
	// answers on is given up. 0 means 30 s
	StatementTimeout time.Duration
}

// appRole is what every application connection runs as: it reads, and appends
// through the function alone. Migrations create it.
const appRole = "prosms_app"

// planning keeps the planner from starting workers or a compiler for queries that
// all take a few index look-ups.
const planning = "SET max_parallel_workers_per_gather = 0; SET jit = off"

const (
	connectTimeout = 5 * time.Second // unless the URL names another
	pingTimeout    = 2 * time.Second // for an idle connection to prove that it lives
)

// pool returns the configuration of the pool, and in its ConnConfig that of
// every other connection of the application.
func (c Config) pool() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("reading database URL: %w", err) // its text redacts the password
	}
	config.MaxConns = 10
	if c.MaxConns > 0 {
		config.MaxConns = int32(c.MaxConns)
	}
	config.PingTimeout = pingTimeout
	config.BeforeConnect = c.login
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if _, ok := config.ConnConfig.RuntimeParams["application_name"]; !ok {
		config.ConnConfig.RuntimeParams["application_name"] = "prosms"
	}
	config.ConnConfig.Tracer = deadlines{cmp.Or(c.StatementTimeout, 30*time.Second)}
	config.ConnConfig.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return conn.Exec(ctx, "SET ROLE "+appRole+"; "+planning).Close()
	}
	return config, nil
}

// login has config log in as of now.
func (c Config) login(ctx context.Context, config *pgx.ConnConfig) error {
	if c.Login != nil {
		user := c.Login(ctx)
		config.User = user.Username()
		config.Password, _ = user.Password()
	}
	return nil
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

func (c Config) frameSize() int {
	if c.FrameSize <= 0 {
		return 500
	}
	return c.FrameSize
}
