package commands_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

func openFile(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "log.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// filled is a log of 10 commits of 3 events.
func filled(t *testing.T) *sqlite.DB {
	t.Helper()
	db := openFile(t)
	for i := range 10 {
		event := events.MessageAttempted{Attempt: 1, Provider: "<&>"}
		if _, err := db.EventStore().Append(t.Context(), ports.Write{StreamID: fmt.Sprint("msg_", i), Events: []events.Event{event, event, event}}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func allCommits(t *testing.T, store ports.EventStore) (all []ports.WholeCommit) {
	t.Helper()
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := commands.WholeCommits(t.Context(), store, 0, head.LastPosition, 4, func(page []ports.WholeCommit) error {
		all = append(all, page...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func archived(t *testing.T, store ports.EventStore, first, through int64) []byte {
	t.Helper()
	last, err := commands.ArchiveRange(t.Context(), store, first, through)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	export := commands.Export{Store: store, First: first, Last: last.LastPosition, Head: func(context.Context, int64) (audit.Head, []byte, error) {
		return audit.Head{Position: last.LastPosition, Link: last.Link}, nil, nil
	}}
	encoder := json.NewEncoder(out)
	if err := errors.Join(export.Run(t.Context(), func(l audit.Line) error { return encoder.Encode(l) }), out.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestArchivesRestoreTheLogThatTheyCameFrom(t *testing.T) {
	source, target := filled(t), openFile(t)
	first, second := archived(t, source.EventStore(), 1, 17), archived(t, source.EventStore(), 16, 30) // 17 lies within a commit
	for _, step := range []struct {
		archive []byte
		refused bool
	}{{second, true}, {first, false}, {first, true}, {second, false}} {
		if _, err := audit.CheckArchive(bytes.NewReader(step.archive), nil); err != nil {
			t.Fatal(err)
		}
		lines, err := audit.Unpack(bytes.NewReader(step.archive))
		if err != nil {
			t.Fatal(err)
		}
		err = commands.ImportArchive(t.Context(), lines, target.Importer(), func(int64) {})
		if errors.Is(err, ports.ErrConflict) != step.refused || (err != nil) != step.refused {
			t.Errorf("importing: %v, refused should be %t", err, step.refused)
		}
	}
	if diff := cmp.Diff(allCommits(t, source.EventStore()), allCommits(t, target.EventStore())); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
	if _, err := commands.ArchiveRange(t.Context(), source.EventStore(), 2, 30); !errors.Is(err, commands.ErrNothingToExport) {
		t.Errorf("from amid a commit: %v", err)
	}
}

func TestAnArchiveWithAChangedOrMissingByteIsRefused(t *testing.T) {
	archive := archived(t, filled(t).EventStore(), 1, 30)
	for name, bad := range map[string][]byte{
		"cut off":  archive[:len(archive)-9],
		"no bytes": nil,
		"changed":  append(append(bytes.Clone(archive[:len(archive)/2]), archive[len(archive)/2]^1), archive[len(archive)/2+1:]...),
	} {
		if _, err := audit.CheckArchive(bytes.NewReader(bad), nil); err == nil {
			t.Errorf("%s: it verifies", name)
		}
	}
}

func TestAMoveThatIsInterruptedGoesOn(t *testing.T) {
	source, target := filled(t), openFile(t)
	if _, err := source.Keyring().KeepOrGet(t.Context(), "lookup", []byte("key")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	mover := commands.Mover{From: movable(source), To: movable(target), Importer: target.Importer(), PageSize: 4, Progress: func(p int64) {
		if p >= 12 {
			cancel()
		}
	}}
	if _, err := mover.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if n := len(allCommits(t, target.EventStore())); n != 4 {
		t.Fatalf("%d commits after the interruption, want 4", n)
	}
	for range 2 { // and a move that is done can be run again
		if _, err := mover.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(allCommits(t, source.EventStore()), allCommits(t, target.EventStore())); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
	keys, err := target.Exporter().Keys(t.Context(), "", 10)
	if diff := cmp.Diff([]ports.NamedKey{{Name: "lookup", Key: []byte("key")}}, keys); diff != "" || err != nil {
		t.Errorf("keys: %v\n%s", err, diff)
	}
}
