package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
)

// awaitStores is openStores that waits for a database that does not answer yet, at
// most PROSMS_START_TIMEOUT: parts of an installation may be started in any order.
// What waiting does not cure, such as another schema or a wrong password, is an
// error at once. The broker and the cache are not waited for: serve does without.
// With migrate, PostgreSQL gets its schema first. It tells waiting why it waits.
func awaitStores(ctx context.Context, c Config, migrate bool, login loginFunc, log *slog.Logger, waiting func(error)) (st stores, err error) {
	_, local := sqlitePath(c.DatabaseURL)
	err = await(ctx, c.StartTimeout, func() error {
		if migrate && !local {
			if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
				return err
			}
		}
		st, err = openStoresAs(ctx, c.DatabaseURL, log, openedAs{login: login, conns: c.DatabaseConns})
		return err
	}, func(err error, left time.Duration) {
		waiting(err)
		log.Warn("waiting for the database", "error", err, "giving_up_in", left.Round(time.Second))
	})
	return st, err
}

// await calls open until it succeeds, fails for another reason than that the
// database is unavailable, or limit is over: 0.25 s apart at first, 5 s at most. It
// tells waiting of each failure before the next call, and how much time is left.
func await(ctx context.Context, limit time.Duration, open func() error, waiting func(error, time.Duration)) error {
	deadline := time.Now().Add(limit)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := open()
		left := time.Until(deadline)
		if err == nil || !errors.Is(err, ports.ErrUnavailable) || left <= 0 {
			return err
		}
		waiting(err, left)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(pause, left)):
		}
	}
}
