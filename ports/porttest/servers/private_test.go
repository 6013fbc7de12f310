package servers_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestAPrivatePostgresIsPausedKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	server := servers.PrivatePostgres(t)
	ask := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		conn, err := pgx.Connect(ctx, server.URL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		return conn.Ping(ctx)
	}
	if err := ask(10 * time.Second); err != nil {
		t.Errorf("started: %v", err)
	}
	server.Pause()
	if err := ask(300 * time.Millisecond); err == nil {
		t.Error("it answers while it is paused")
	}
	server.Resume()
	if err := ask(10 * time.Second); err != nil {
		t.Errorf("resumed: %v", err)
	}
	server.Kill()
	if err := ask(10 * time.Second); err == nil {
		t.Error("it answers though it was killed")
	}
	server.Start()
	if err := ask(10 * time.Second); err != nil {
		t.Errorf("started again: %v", err)
	}
}
