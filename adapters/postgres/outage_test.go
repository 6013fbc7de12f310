package postgres_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// patience is how long something may take that must happen.
const patience = 10 * time.Second

func TestAServerThatIsDownIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "postgres://app@" + listener.Addr().String() + "/prosms"
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: nobody}); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Open: %v, want ErrUnavailable", err)
	}
	if err := postgres.Migrate(t.Context(), nobody); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Migrate: %v, want ErrUnavailable", err)
	}
}

func TestAConnectionLostDuringAnAppendIsUnavailable(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	appendOne(t, store, "before")
	conn := owner(t, url)
	run(t, conn, `BEGIN; LOCK TABLE commits`) // holds the append up
	failed := make(chan error, 1)
	go func() {
		_, err := store.Append(t.Context(), attempts("a", 0, 1))
		failed <- err
	}()
	killed := kill(t, owner(t, url), `wait_event_type = 'Lock'`)
	run(t, conn, `ROLLBACK`)
	if err := await(t, failed, "the append's end"); killed != 1 || !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Append: %v after %d connections were killed, want ErrUnavailable", err, killed)
	}

	appendOne(t, store, "b") // on another connection
	if got, err := store.Load(t.Context(), "a"); err != nil || len(got) != 0 {
		t.Errorf("Load = %v, %v; want nothing", got, err)
	}
}

func TestADeadlineThatPassesIsUnavailable(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	conn := owner(t, url)
	run(t, conn, `BEGIN; LOCK TABLE commits`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := store.Append(ctx, attempts("a", 0, 1))
	if !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append: %v, want ErrUnavailable and DeadlineExceeded", err)
	}
}

func TestAStatementThatNobodyAnswersIsGivenUp(t *testing.T) {
	url := migrated(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, StatementTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run(t, owner(t, url), `BEGIN; LOCK TABLE events`)
	failed := make(chan error, 1)
	go func() { // without a deadline of its own
		_, err := db.EventStore().Load(context.Background(), "a")
		failed <- err
	}()
	if err := await(t, failed, "the load's end"); !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load: %v, want ErrUnavailable and DeadlineExceeded", err)
	}
}

func TestARefusedWriteLeavesNoTrace(t *testing.T) {
	url := migrated(t)
	store := connect(t, url).EventStore()
	run(t, owner(t, url), `ALTER TABLE events ADD CHECK (stream_id <> 'odd')`)
	if _, err := store.Append(t.Context(), attempts("a", 0, 1), attempts("odd", 0, 1)); err == nil || errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Append: %v, want an error that is no outage", err)
	}
	appendOne(t, store, "b")
	log, err := store.Read(t.Context(), 0, 10)
	if err != nil || len(log) != 1 || log[0].Position != 1 {
		t.Errorf("Read = %v, %v; want one event at position 1", positions(log), err)
	}
}

// kill ends the sessions of this database that meet condition, as soon as there
// are any, and returns how many.
func kill(t *testing.T, conn *pgx.Conn, condition string) (killed int) {
	t.Helper()
	sql := `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND ` + condition
	for deadline := time.Now().Add(patience); killed == 0; {
		if err := conn.QueryRow(t.Context(), sql).Scan(&killed); err != nil || time.Now().After(deadline) {
			t.Fatalf("killing sessions with %s: %v", condition, err)
		}
	}
	return killed
}

func await[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	var v T
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
	}
	return v
}

func positions(log []events.Recorded) []int64 {
	var at []int64
	for _, e := range log {
		at = append(at, e.Position)
	}
	return at
}
