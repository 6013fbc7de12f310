package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

func TestTheLogOnlyGrowsAndOnlyByTheNextRow(t *testing.T) {
	db := open(t)
	store := db.EventStore()
	appendAll(t, store, attempts("a", 0, 2))
	appendAll(t, store, attempts("b", 0, 1))
	rows, err := store.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	// While payloads are detached the log may be changed, and not after that.
	if err := db.Importer().Detach(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Importer().Attach(t.Context(), rows...); n != 2 || err != nil {
		t.Fatalf("%d attached, %v", n, err)
	}
	if err := db.Importer().Detach(t.Context(), rows[:1]...); !errors.Is(err, ports.ErrConflict) {
		t.Fatalf("half a stream: %v", err)
	}
	for name, statement := range map[string]string{
		"update of an event":           `UPDATE events SET data = '{}' WHERE position = 1`,
		"update of nothing but itself": `UPDATE events SET data = data`,
		"delete of an event":           `DELETE FROM events WHERE position = 3`,
		"delete of all events":         `DELETE FROM events`,
		"replacement by position":      `REPLACE INTO events SELECT 1, 'c', 1, type, schema, data, meta, recorded_at, digest FROM events WHERE position = 1`,
		"replacement by version":       `REPLACE INTO events SELECT 4, 'a', 1, type, schema, data, meta, recorded_at, digest FROM events WHERE position = 1`,
		"gap in positions":             `INSERT INTO events SELECT 5, 'c', 1, type, schema, data, meta, recorded_at, digest FROM events WHERE position = 1`,
		"gap in versions":              `INSERT INTO events SELECT 4, 'a', 4, type, schema, data, meta, recorded_at, digest FROM events WHERE position = 1`,
		"upsert":                       `INSERT INTO events SELECT * FROM events WHERE position = 1 ON CONFLICT DO UPDATE SET data = '{}'`,
		"update of a commit":           `UPDATE commits SET link = zeroblob(32)`,
		"delete of a commit":           `DELETE FROM commits WHERE first_position = 3`,
		"replacement of a commit":      `REPLACE INTO commits SELECT first_position, last_position, zeroblob(32), recorded_at FROM commits`,
		"commit of no events":          `INSERT INTO commits SELECT 4, 4, link, recorded_at FROM commits WHERE first_position = 1`,
	} {
		if _, err := db.log.writer.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if head := verify(t, store); head != 3 {
		t.Errorf("the log ends at %d, want 3", head)
	}
}

func TestRecordedAtStaysWhenTheClockIsSetBack(t *testing.T) {
	store := open(t).EventStore()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 987654321, time.UTC)
	for i, tt := range []struct{ clock, want time.Time }{
		{noon, noon.Truncate(time.Microsecond)},
		{noon.Add(-time.Hour), noon.Truncate(time.Microsecond)},
		{noon.Add(time.Second), noon.Add(time.Second).Truncate(time.Microsecond)},
	} {
		store.clock = func() time.Time { return tt.clock }
		if got := appendAll(t, store, attempts("a", i, 1))[0].RecordedAt; !got.Equal(tt.want) {
			t.Errorf("append %d is of %v, want %v", i, got, tt.want)
		}
	}
	verify(t, store)
}

func TestAFullDiskRefusesAppendsAndLosesNothing(t *testing.T) {
	db := open(t)
	store := db.EventStore()
	appendAll(t, store, attempts("before", 0, 1))
	limitPages(t, db.log, `SELECT page_count FROM pragma_page_count`)

	accepted := 0 // the pages there are have some room
	var err error
	for ; err == nil && accepted < 1000; accepted++ {
		_, err = store.Append(t.Context(), attempts("full", 3*accepted, 3), attempts("other", accepted, 1))
	}
	accepted--
	if !errors.Is(err, ports.ErrUnavailable) {
		t.Fatalf("Append: %v after %d others, want ports.ErrUnavailable", err, accepted)
	}
	if head := verify(t, store); head != int64(1+4*accepted) {
		t.Errorf("the log ends at %d, want %d: a part of the failed append is there", head, 1+4*accepted)
	}

	limitPages(t, db.log, `SELECT 1000000`)
	appendAll(t, store, attempts("full", 3*accepted, 3), attempts("other", accepted, 1))
	if head := verify(t, store); head != int64(5+4*accepted) {
		t.Errorf("the log ends at %d, want %d", head, 5+4*accepted)
	}
}

// limitPages lets the file grow to the number of pages that query gives.
func limitPages(t *testing.T, f *file, query string) {
	t.Helper()
	var pages, limit string
	if err := f.writer.QueryRowContext(t.Context(), query).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := f.writer.QueryRowContext(t.Context(), `PRAGMA max_page_count = `+pages).Scan(&limit); err != nil || limit != pages {
		t.Fatalf("max_page_count = %s, %v; want %s", limit, err, pages)
	}
}

func TestAnAppendThatWaitsInVainWritesNothing(t *testing.T) {
	db := open(t)
	store := db.EventStore()
	err := db.log.transact(t.Context(), func(context.Context, *sql.Tx) error { // has the turn
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := store.Append(ctx, attempts("a", 0, 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Append: %v, want context.DeadlineExceeded", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if head := verify(t, store); head != 0 {
		t.Errorf("the log ends at %d, want 0", head)
	}
}

func appendAll(t *testing.T, store ports.EventStore, writes ...ports.Write) []ports.Result {
	t.Helper()
	results, err := store.Append(t.Context(), writes...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("write %d: %v", i, r.Err)
		}
	}
	return results
}
