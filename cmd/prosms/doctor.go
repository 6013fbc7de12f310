package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type doctorCommand struct{}

// Run checks the configuration and everything it points to, and prints a line for
// each with what to do. It changes nothing but what opening a SQLite file does.
func (doctorCommand) Run(ctx context.Context, p process) error {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	log := newLogger(p.Stderr, config)
	sick := false
	report := func(what, cure string, err error) {
		if err == nil {
			fmt.Fprintf(p.Stdout, "ok    %s\n", what)
			return
		}
		sick = true
		fmt.Fprintf(p.Stdout, "FAIL  %s: %v\n      %s\n", what, err, cure)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	report("configuration", "", nil)
	st, err := openStores(ctx, config.DatabaseURL, log)
	report("database and its schema", "check DATABASE_URL; run: prosms migrate up", err)
	if err == nil {
		_, err = st.events.Head(ctx)
		report("event log", "run: prosms migrate up", err)
		report("closing the database", "", st.close())
	}
	if config.RabbitMQURL == "" {
		fmt.Fprintln(p.Stdout, "note  RABBITMQ_URL is not set: the bus is in the process, one instance only")
	} else {
		report("RabbitMQ and its queues", "check RABBITMQ_URL; see the log for a queue with other arguments", pingBus(ctx, config))
	}
	if config.RedisURL == "" {
		fmt.Fprintln(p.Stdout, "note  REDIS_URL is not set: each instance counts limits by itself")
	} else {
		report("Redis", "check REDIS_URL", pingRedis(ctx, config))
	}
	switch {
	case len(config.Providers) == 0:
		fmt.Fprintln(p.Stdout, "note  no provider is configured: texts go to the sandbox")
	case config.PublicURL == "":
		fmt.Fprintln(p.Stdout, "note  PROSMS_PUBLIC_URL is not set: no receipts will arrive")
	}
	if sick {
		return errors.New("something is wrong")
	}
	return nil
}

// pingBus connects to the broker, declares the topology and hangs up.
func pingBus(ctx context.Context, config Config) error {
	b, err := openBus(ctx, config, newLogger(nopWriter{}, config))
	if err != nil {
		return err
	}
	return errors.Join(b.ping(ctx), b.Close())
}

type nopWriter struct{}

func (nopWriter) Write(b []byte) (int, error) { return len(b), nil }
