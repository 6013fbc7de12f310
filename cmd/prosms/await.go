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
func awaitStores(ctx context.Context, c Config, log *slog.Logger) (st stores, err error) {
	err = await(ctx, c.StartTimeout, log, func() error {
		st, err = openStores(ctx, c.DatabaseURL, log)
		return err
	})
	return st, err
}

// awaitMigration is postgres.Migrate that waits in the same way.
func awaitMigration(ctx context.Context, c Config, log *slog.Logger) error {
	return await(ctx, c.StartTimeout, log, func() error { return postgres.Migrate(ctx, c.DatabaseURL) })
}

// await calls open until it succeeds, fails for another reason than that the
// database is unavailable, or limit is over: 0.25 s apart at first, 5 s at most.
func await(ctx context.Context, limit time.Duration, log *slog.Logger, open func() error) error {
	deadline := time.Now().Add(limit)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := open()
		left := time.Until(deadline)
		if err == nil || !errors.Is(err, ports.ErrUnavailable) || left <= 0 {
			return err
		}
		log.Warn("waiting for the database", "error", err, "giving_up_in", left.Round(time.Second))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(pause, left)):
		}
	}
}
