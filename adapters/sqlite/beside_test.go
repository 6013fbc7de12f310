package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestALogIsReadBesideTheProcessThatWritesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path)
	write := func(id string) ports.Write {
		return ports.Write{StreamID: id, Events: []events.Event{events.MessageCanceled{By: "ada"}}}
	}
	if _, err := db.EventStore().Append(t.Context(), write("a")); err != nil {
		t.Fatal(err)
	}
	beside, err := Open(t.Context(), Config{Path: path, Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB(t, beside)
	if _, err := db.EventStore().Append(t.Context(), write("b")); err != nil {
		t.Fatal(err)
	}
	if log, err := beside.EventStore().Read(t.Context(), 0, 10); len(log) != 2 || err != nil {
		t.Errorf("%d events, %v; want 2", len(log), err)
	}
	if _, err := beside.EventStore().Append(t.Context(), write("c")); !errors.Is(err, errReadOnly) {
		t.Errorf("Append beside: %v", err)
	}

	view := ports.View{Name: "messages", Columns: []string{"status"}}
	if err := beside.Views().MakeShadow(t.Context(), view); err != nil {
		t.Fatal(err)
	}
	err = beside.Views().Advance(t.Context(), ports.ShadowOf("test"), func(tx ports.ViewTx, _ int64) (int64, error) {
		return 2, tx.Put(t.Context(), view.Shadow(), []ports.Row{{ID: "a", Keys: []any{"canceled"}, Doc: []byte("{}")}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.Views().Swap(t.Context(), "test", view); err != nil {
		t.Fatal(err)
	}
	if counts, err := db.Views().Count(t.Context(), view, "status"); err != nil || counts["canceled"] != 1 {
		t.Errorf("the process that writes sees %v, %v", counts, err)
	}
}

func TestWhatIsNotThereIsNotMadeBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if db, err := Open(t.Context(), Config{Path: path, Beside: true}); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Open = %v, %v", db, err)
	}
	db := openAt(t, path)
	if _, err := db.views.writer.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id > 1`); err != nil {
		t.Fatal(err)
	}
	if beside, err := Open(t.Context(), Config{Path: path, Beside: true}); !errors.Is(err, errOlderSchema) {
		t.Errorf("Open = %v, %v", beside, err)
	}
}

func TestASwappedViewHasItsIndexes(t *testing.T) {
	db := open(t)
	count := func() (n int) {
		row := db.views.readers.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'messages' AND type = 'index'`)
		if err := row.Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want := count()
	for range 3 {
		view := ports.View{Name: "messages"}
		if err := db.Views().MakeShadow(t.Context(), view); err != nil {
			t.Fatal(err)
		}
		if err := db.Views().Swap(t.Context(), "test", view); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != want || want < 7 {
			t.Errorf("%d indexes, want %d", got, want)
		}
	}
}
