package commands_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
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

func unpacked(t *testing.T, archive []byte) []byte {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// packed is plain in gzip, cut off after so many bytes of it.
func packed(t *testing.T, plain []byte, end int) []byte {
	t.Helper()
	var file bytes.Buffer
	out := gzip.NewWriter(&file)
	if _, err := out.Write(plain[:end]); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil { // all of it is there, and no end
		t.Fatal(err)
	}
	if end < len(plain) {
		return file.Bytes()
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestTheFaultOfAnArchiveIsNamedByItsPosition(t *testing.T) {
	plain := unpacked(t, archived(t, filled(t).EventStore(), 1, 30))
	of := func(position int) int {
		return bytes.Index(plain, fmt.Appendf(nil, `{"event":{"position":%d,`, position))
	}
	replaced := func(old, by string) []byte {
		at := of(17) + bytes.Index(plain[of(17):], []byte(old))
		return slices.Concat(plain[:at], []byte(by), plain[at+len(old):])
	}
	for name, tt := range map[string]struct {
		bad  []byte
		want string
	}{
		"cut off in gzip, amid a line":    {packed(t, plain, of(17)+20), "position 17: it cannot be read: unexpected EOF"},
		"cut off in gzip, between lines":  {packed(t, plain, of(17)), "position 17: it cannot be read: unexpected EOF"},
		"cut off in plain, amid a line":   {plain[:of(17)+20], "position 17: not a line of a bundle"},
		"cut off in plain, between lines": {plain[:of(17)], "position 17: the bundle has no end"},
		"another payload":                 {replaced(`"attempt":1`, `"attempt":2`), "position 17: the event is not what its digest was taken of"},
		"another digest":                  {replaced(`"digest":"`, `"digest":"00`), "position 17: not a line of a bundle"},
		"not JSON":                        {replaced(`"schema"`, `schema`), "position 17: not a line of a bundle"},
		"written otherwise":               {replaced(`"schema":1`, `"schema": 1`), "position 17: not as prosms writes it"},
		"one event less":                  {append(bytes.Clone(plain[:of(17)]), plain[of(18):]...), "position 17: the event is missing"},
	} {
		_, err := audit.CheckArchive(bytes.NewReader(tt.bad), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, new(audit.Fault)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestArchivesFollowEachOther(t *testing.T) {
	source, other := filled(t), filled(t) // at other times, so with other links
	check := func(archive []byte) audit.Checked {
		checked, err := audit.CheckArchive(bytes.NewReader(archive), nil)
		if err != nil {
			t.Fatal(err)
		}
		return checked
	}
	first, second := check(archived(t, source.EventStore(), 1, 15)), check(archived(t, source.EventStore(), 16, 30))
	if err := second.Follow(first); err != nil {
		t.Error(err)
	}
	for name, before := range map[string]audit.Checked{
		"itself": second, "a shorter one": check(archived(t, source.EventStore(), 1, 12)), "another log's": check(archived(t, other.EventStore(), 1, 15)),
	} {
		if err := second.Follow(before); err == nil {
			t.Errorf("it follows %s", name)
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
