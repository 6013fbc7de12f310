package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/pro-sms/prosms/events/audit"
)

// loginFunc returns the user and the password for a new connection. nil: those in
// the URL hold for ever.
type loginFunc func(context.Context) *url.Userinfo

// logins are those of database, broker and cache, as their secrets are at the time
// of each connection, and further secrets as they are when they are used. Only
// references can change.
type logins struct {
	database, broker, cache loginFunc

	clientSecret, headKey func(context.Context) string // nil: that at the start holds for ever
	masterKey             func(context.Context) []byte // the present one; nil likewise

	all []*followed
}

func newLogins(c Config, log *slog.Logger) *logins {
	l := &logins{}
	l.database = l.of(c, "DATABASE_URL", c.DatabaseURL, log)
	l.broker = l.of(c, "RABBITMQ_URL", c.RabbitMQURL, log)
	l.cache = l.of(c, "REDIS_URL", c.RedisURL, log)
	l.clientSecret = l.secret(c, "PROSMS_OIDC_CLIENT_SECRET", string(c.OIDC.ClientSecret), log, func(text string) error {
		if text == "" {
			return errors.New("is empty")
		}
		return nil
	})
	if !c.HeadKey.IsZero() {
		l.headKey = l.secret(c, "PROSMS_HEAD_KEY", c.HeadKey.Secret(), log, func(text string) error {
			_, err := audit.ParseSigner(text)
			return err
		})
	}
	if get := l.secret(c, "PROSMS_MASTER_KEY", base64.StdEncoding.EncodeToString(c.MasterKey), log, masterKey(new(MasterKey))); get != nil {
		l.masterKey = func(ctx context.Context) []byte {
			var key MasterKey
			_ = masterKey(&key)(get(ctx)) // it fits, or was not taken
			return key
		}
	}
	return l
}

func (l *logins) of(c Config, setting, current string, log *slog.Logger) loginFunc {
	user, server := cutLogin(current)
	if user == nil || !c.mayChange(setting, current) {
		return nil
	}
	kept := follow(c, setting, current, log)
	kept.fits = func(text string) error {
		user, at := cutLogin(text)
		switch {
		case user == nil:
			return errors.New("holds no URL with a user")
		case at != server:
			return errors.New("names another server: that takes a restart, and its login is not taken either")
		}
		return nil
	}
	l.all = append(l.all, kept)
	return func(ctx context.Context) *url.Userinfo {
		user, _ := cutLogin(kept.get(ctx))
		return user
	}
}

func (l *logins) secret(c Config, setting, current string, log *slog.Logger, fits func(string) error) func(context.Context) string {
	if !c.mayChange(setting, current) {
		return nil
	}
	kept := follow(c, setting, current, log)
	kept.fits = fits
	l.all = append(l.all, kept)
	return kept.get
}

// close waits for what is being read.
func (l *logins) close() {
	for _, one := range l.all {
		one.close()
	}
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
