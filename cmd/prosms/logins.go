package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	loginFresh   = 5 * time.Second // how long what was read is as good as new
	loginTimeout = 3 * time.Second // of reading it
)

// loginFunc returns the user and the password for a new connection. nil: those in
// the URL hold for ever.
type loginFunc func(context.Context) *url.Userinfo

// logins are those of database, broker and cache, as their secrets are at the time
// of each connection. Only URLs that are references can change.
type logins struct {
	database, broker, cache loginFunc

	all []*login
}

func newLogins(c Config, log *slog.Logger) *logins {
	l := &logins{}
	l.database = l.of(c, "DATABASE_URL", c.DatabaseURL, log)
	l.broker = l.of(c, "RABBITMQ_URL", c.RabbitMQURL, log)
	l.cache = l.of(c, "REDIS_URL", c.RedisURL, log)
	return l
}

func (l *logins) of(c Config, setting, current string, log *slog.Logger) loginFunc {
	reference := c.environ[setting]
	user, server := cutLogin(current)
	if user == nil || reference == current || strings.HasPrefix(reference, "env:") {
		return nil // there is nothing that could change
	}
	kept := &login{setting: setting, server: server, current: user, readAt: time.Now(), log: log, read: func(ctx context.Context) (string, error) {
		return newReferences(ctx, c.environ).follow(reference)
	}}
	l.all = append(l.all, kept)
	return kept.get
}

// close waits for what is being read.
func (l *logins) close() {
	for _, one := range l.all {
		one.reading.Wait()
	}
}

// login is the user and the password in a URL that is a reference. It is read when a
// connection wants it, once in 5 s however many do; what cannot be read stays as it was.
type login struct {
	setting string
	server  string // the URL without the login
	read    func(context.Context) (string, error)
	log     *slog.Logger
	reading sync.WaitGroup

	mu      sync.Mutex
	current *url.Userinfo
	readAt  time.Time
	done    chan struct{} // closed when the read under way has ended; nil: none is
}

// get returns the login of now, or the last good one when ctx ends before that is read.
func (l *login) get(ctx context.Context) *url.Userinfo {
	l.mu.Lock()
	if time.Since(l.readAt) < loginFresh {
		defer l.mu.Unlock()
		return l.current
	}
	if l.done == nil {
		l.done = make(chan struct{})
		l.reading.Go(l.refresh)
	}
	done := l.done
	l.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

func (l *login) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), loginTimeout)
	defer cancel()
	text, err := l.read(ctx)
	user, server := cutLogin(text)
	if err == nil && user == nil {
		err = errors.New("holds no URL with a user")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.log.Warn("reading a secret anew: the last one stays", "setting", l.setting, "error", err)
	case server != l.server:
		l.log.Warn("a URL names another server now: that takes a restart, and its login is not taken either", "setting", l.setting)
	case user.String() != l.current.String():
		l.current = user
		l.log.Info("secrets have changed", "setting", l.setting)
	}
	l.readAt = time.Now()
	close(l.done)
	l.done = nil
}

// cutLogin takes user and password out of a URL, which may list several hosts, as
// PostgreSQL's do and url.Parse refuses. user is nil where there is none.
func cutLogin(text string) (user *url.Userinfo, server string) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return nil, text
	}
	parsed, err := url.Parse("login://" + authority[:at+1] + "server")
	if err != nil {
		return nil, text
	}
	return parsed.User, scheme + "://" + rest[at+1:]
}
