// Package redis implements ports on Redis 5 or newer: limits, counts and cached keys
// that all instances share.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/pro-sms/prosms/ports"
)

// Config says which Redis, and how patient to be with it.
type Config struct {
	URL     string        // redis://user:password@host:port/db, rediss:// for TLS; never logged
	Timeout time.Duration // of one command, as requests wait for it; 0 means 50ms
	Dial    time.Duration // of a connection, which goes on when the command has given up; 0 means 2s
	// Login returns the user and the password for a new connection, in place of those in
	// URL: a secret may change while connections that it has opened live on. nil: it does
	// not change.
	Login func(context.Context) *url.Userinfo
	Log   *slog.Logger // told at level debug what the library says by itself; nil means nobody is
}

// Client is a pool of connections. It is safe for concurrent use.
type Client struct {
	redis   *goredis.Client
	timeout time.Duration
}

// Open returns a client that connects when it is first used; an error means that
// the URL is none. Close it when done.
func Open(c Config) (*Client, error) {
	options, err := goredis.ParseURL(c.URL)
	if err != nil {
		return nil, errors.New("parsing Redis URL: malformed") // err quotes it, password and all
	}
	goredis.SetLogger(library{c.Log})
	if c.Login != nil {
		options.CredentialsProviderContext = func(ctx context.Context) (string, string, error) {
			user := c.Login(ctx)
			password, _ := user.Password()
			return user.Username(), password, nil
		}
	}
	timeout := orDefault(c.Timeout, 50*time.Millisecond)
	options.ClientName = "prosms"
	options.ContextTimeoutEnabled = true
	options.DialTimeout = orDefault(c.Dial, 2*time.Second)
	options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = timeout, timeout, timeout
	options.MaxRetries, options.DialerRetries = -1, 1 // a second try would be after the deadline
	options.PipelinePoolSize = -1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Client{redis: goredis.NewClient(options), timeout: timeout}, nil
}

// Ping returns an error that wraps ports.ErrUnavailable if Redis does not answer
// before ctx ends or its connections time out. It is for readiness, and may take
// longer than a command is given.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("pinging Redis: %w: %w", ports.ErrUnavailable, err)
	}
	return nil
}

// Close ends all connections.
func (c *Client) Close() error { return c.redis.Close() }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
