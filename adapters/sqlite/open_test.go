package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	driver "modernc.org/sqlite"

	"github.com/pro-sms/prosms/ports"
)

func TestASecondOpenIsRefusedUntilTheFirstIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	first := openAt(t, path)
	_, err := Open(t.Context(), Config{Path: path})
	if !errors.Is(err, ErrInUse) || !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Open: %v, want ErrInUse", err)
	}
	closeDB(t, first)
	openAt(t, path)
}

func TestADatabaseIsTheSameAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50% a+b?c#d 'e'.db") // all of them mean something in URLs
	db := openAt(t, path)
	appendAll(t, db.EventStore(), attempts("a", 0, 3))
	key, err := db.Keyring().KeepOrGet(t.Context(), "k", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	advance(t, db.Views(), 2)
	closeDB(t, db)

	db = openAt(t, path)
	if head := verify(t, db.EventStore()); head != 3 {
		t.Errorf("the log ends at %d, want 3", head)
	}
	if again, err := db.Keyring().KeepOrGet(t.Context(), "k", []byte("another")); err != nil || string(again) != string(key) {
		t.Errorf("KeepOrGet gave another key, %v", err)
	}
	if got, err := db.Views().Checkpoint(t.Context(), "test"); err != nil || got != 2 {
		t.Errorf("Checkpoint = %d, %v; want 2", got, err)
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	db := open(t)
	appendAll(t, db.EventStore(), attempts("a", 0, 1))
	advance(t, db.Views(), 1)
	for _, path := range []string{db.log.path, db.log.path + "-wal", db.log.path + ".lock", db.views.path, db.views.path + "-wal"} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(path), mode)
		}
	}
}

func TestSyncsAreAsDurableAsPromised(t *testing.T) {
	db := open(t)
	for f, want := range map[*file][2]string{db.log: {"wal", "2"}, db.views: {"wal", "1"}} { // FULL, NORMAL
		var got [2]string
		if err := f.writer.QueryRowContext(t.Context(), `SELECT journal_mode, synchronous
			FROM pragma_journal_mode, pragma_synchronous`).Scan(&got[0], &got[1]); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", filepath.Base(f.path), got, err, want)
		}
	}
}

func TestCommitsAreSyncedWithoutTheTimesOfFiles(t *testing.T) {
	open(t)
	if runtime.GOOS == "linux" && !driver.FdatasyncEnabled() {
		t.Error("there is fdatasync, and commits are synced by fsync")
	}
}

func TestUnusableFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	foreign := filepath.Join(folder, "foreign.db")
	if err := os.WriteFile(foreign, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a missing folder": filepath.Join(folder, "missing", "test.db"), "a foreign file": foreign, "a folder": folder,
		"a folder that is a file": filepath.Join(foreign, "test.db"),
	} {
		for _, beside := range []bool{false, true} {
			db, err := Open(t.Context(), Config{Path: path, Beside: beside})
			if err == nil || db != nil {
				t.Errorf("%s, beside %t: opened", name, beside)
			}
			if !beside && errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("%s: %v, which waiting does not change", name, err)
			}
		}
	}
	if _, err := Open(t.Context(), Config{Path: foreign}); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("a foreign file: %v, want ErrNoDatabase", err)
	}
	if _, err := Open(t.Context(), Config{}); err == nil {
		t.Error("Open without a path gave no error")
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	for _, name := range []string{"test.db", "test.views.db"} {
		folder := t.TempDir()
		path := filepath.Join(folder, "test.db")
		db := openAt(t, path)
		f := map[string]*file{"test.db": db.log, "test.views.db": db.views}[name]
		if _, err := f.writer.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
			t.Fatal(err)
		}
		closeDB(t, db)
		if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("%s: %v, want ErrNewerSchema", name, err)
		}
	}
}

func TestViewsAheadOfTheLogAreRefusedAndCanBeDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path)
	appendAll(t, db.EventStore(), attempts("a", 0, 3))
	advance(t, db.Views(), 4)
	closeDB(t, db)
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "test.views.db") {
		t.Fatalf("Open: %v, want an error that names the views", err)
	}
	if err := os.Remove(viewsPath(path)); err != nil {
		t.Fatal(err)
	}
	if got, err := openAt(t, path).Views().Checkpoint(t.Context(), "test"); err != nil || got != 0 {
		t.Errorf("Checkpoint = %d, %v; want 0", got, err)
	}
}

func TestViewsStandBesideTheLog(t *testing.T) {
	for log, want := range map[string]string{"/d/x.db": "/d/x.views.db", "/d/x": "/d/x.views", "/d.d/x.y.db": "/d.d/x.y.views.db"} {
		if got := viewsPath(log); got != want {
			t.Errorf("viewsPath(%s) = %s, want %s", log, got, want)
		}
	}
}

func TestCloseEndsFeedsAndRoles(t *testing.T) {
	db := open(t)
	messages, err := db.Feed("relay").Subscribe(t.Context(), ports.TopicEvents)
	if err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- db.Leader().Lead(t.Context(), "relay", func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	<-began
	closeDB(t, db)
	select {
	case err := <-ended:
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("Lead: %v, want ports.ErrUnavailable", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the role is still held")
	}
	if m, ok := <-messages; ok {
		t.Errorf("got message %s from a closed database", m.UUID)
	}

	_, appendErr := db.EventStore().Append(t.Context(), attempts("a", 0, 1))
	_, loadErr := db.EventStore().Load(t.Context(), "a")
	_, headErr := db.EventStore().Head(t.Context())
	_, findErr := db.Views().Find(t.Context(), messagesView, ports.Query{OrderBy: "id", Limit: 1})
	_, keyErr := db.Keyring().KeepOrGet(t.Context(), "k", []byte("secret"))
	_, feedErr := db.Feed("relay").Subscribe(t.Context(), ports.TopicEvents)
	leadErr := db.Leader().Lead(t.Context(), "relay", func(context.Context) error { return nil })
	for name, err := range map[string]error{
		"Append": appendErr, "Load": loadErr, "Head": headErr, "Find": findErr,
		"KeepOrGet": keyErr, "Subscribe": feedErr, "Lead": leadErr,
	} {
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("%s after Close: %v, want ports.ErrUnavailable", name, err)
		}
	}
}
