package postgres_test

import (
	"context"
	"testing"

	"github.com/pro-sms/prosms/adapters/postgres"
)

func TestAnAppendOfAnotherInstanceIsAnnounced(t *testing.T) {
	url := migrated(t)
	here, there := connect(t, url).EventStore(), connect(t, url).EventStore()
	appendOne(t, there, "a")
	changed := here.Changed()
	appendOne(t, there, "b")
	await(t, changed, "the announcement")
}

func TestALostListenerListensAgain(t *testing.T) {
	url := migrated(t)
	here, conn := connect(t, url).EventStore(), owner(t, url)
	for _, streamID := range []string{"a", "b"} {
		kill(t, conn, `query LIKE 'LISTEN %'`)
		changed := here.Changed()
		await(t, changed, "the announcement on coming back")
		there := connect(t, url).EventStore() // after the kill, which would hit its listener too
		changed = here.Changed()
		appendOne(t, there, streamID)
		await(t, changed, "the announcement")
	}
}

func TestARoleIsLostWithItsConnection(t *testing.T) {
	url := migrated(t)
	here, there, conn := connect(t, url).Leader(), connect(t, url).Leader(), owner(t, url)
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- here.Lead(t.Context(), "relay", func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	await(t, began, "the first term")
	kill(t, conn, `query LIKE '%pg_try_advisory_lock%'`)
	if err := await(t, ended, "the end of the first term"); err == nil {
		t.Error("Lead gave no error, want the loss of its connection")
	}
	err := there.Lead(t.Context(), "relay", func(context.Context) error { return nil })
	if err != nil {
		t.Errorf("Lead: %v", err)
	}
}

func TestStatsCountTheConnectionsInUse(t *testing.T) {
	db, err := postgres.Open(t.Context(), postgres.Config{URL: migrated(t), MaxConns: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := db.Stats(); got != (postgres.Stats{Max: 3}) {
		t.Errorf("Stats = %+v, want none of 3 in use", got)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
