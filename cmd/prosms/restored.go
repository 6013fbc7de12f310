package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/commands"
)

type restoredCommand struct{}

// Run makes a database that comes from a backup safe to serve: what was under way
// in it is put in doubt, and so looked up before it is sent. It refuses a broker
// whose queues hold frames of the log as it was: views refuse those, but work that
// was done since the backup would be asked for again.
func (restoredCommand) Run(ctx context.Context, p process) error {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	if config.RabbitMQURL != "" {
		if err := checkFresh(ctx, config); err != nil {
			return err
		}
	}
	return withTool(ctx, p, func(tool tool) error {
		ps, err := newProviders(config, sandboxOptions{}, "", slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer func() { _ = ps.close() }()
		restorer := commands.Restorer{Store: tool.store, Providers: ps.Providers, Lookup: tool.lookup}
		n, err := restorer.Run(ctx, time.Now().UTC())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "%d texts may have been sent since the backup: each is looked up at its provider before it is sent.\nNow run: prosms verify, and then serve\n", n)
		return err
	})
}

// checkFresh declares the queues and reports those that hold anything.
func checkFresh(ctx context.Context, c Config) error {
	b, err := openBus(ctx, c, "", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer b.Close()
	depths, err := b.depths(ctx)
	if err != nil {
		return err
	}
	for _, n := range depths {
		if n > 0 {
			return errors.New("the broker's queues hold frames of the log as it was: set PROSMS_RABBITMQ_PREFIX to a new name, or purge them all")
		}
	}
	return nil
}
