package commands_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/commands/verify"
)

func TestThoseWhoReadAnArchiveAtOnceOpenItOnceEach(t *testing.T) {
	db := aged(t)
	want, err := db.EventStore().Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	file, d := whole(t, db)
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	opened, closed := 0, 0
	log := &commands.Archived{EventStore: db.EventStore(), Open: func(string) (io.ReadCloser, error) {
		opened++
		return counted{bytes.NewReader(file), &closed}, nil
	}}
	// One is ahead of the other, and each reads an event in turn.
	ahead := int64(5)
	for behind := range d.Archive.Last {
		for _, position := range []int64{behind, behind + ahead} {
			page, err := log.Read(t.Context(), position, 1)
			if err != nil {
				t.Fatal(err)
			}
			if int(position) < len(want) && (len(page) != 1 || !bytes.Equal(page[0].RawData, want[position].RawData)) {
				t.Fatalf("after %d: %v", position, page)
			}
		}
	}
	if opened != 2 {
		t.Errorf("opened %d times, want once for each of two", opened)
	}
	for range 20 { // each from the beginning
		if _, err := log.Read(t.Context(), 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	if open := opened - closed; open > 8 {
		t.Errorf("%d are open", open)
	}
	if err := log.Close(); err != nil || opened != closed {
		t.Errorf("%d opened, %d closed, %v", opened, closed, err)
	}
}

// counted counts that it is closed.
type counted struct {
	io.Reader
	closed *int
}

func (c counted) Close() error { *c.closed++; return nil }

func TestAnArchiveWithAnotherPayloadIsNotBelieved(t *testing.T) {
	db, other := aged(t), filled(t)
	_, d := whole(t, db)
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := other.EventStore().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong := archived(t, other.EventStore(), 1, head.LastPosition)
	log := &commands.Archived{EventStore: db.EventStore(), Open: func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(wrong)), nil }}
	if _, err := log.Read(t.Context(), 0, 100); err == nil {
		t.Error("the payloads of another log were read")
	}
}

func TestADamagedArchiveIsReportedWhereItIsDamaged(t *testing.T) {
	db := aged(t)
	file, d := whole(t, db)
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var gone []int64
	for _, c := range allCommits(t, db.EventStore()) {
		for _, e := range c.Events {
			if e.Detached() {
				gone = append(gone, e.Position)
			}
		}
	}
	plain := unpacked(t, file)
	event := func(position int64) int {
		return bytes.Index(plain, fmt.Appendf(nil, `{"event":{"position":%d,`, position))
	}
	middle := gone[len(gone)/2]
	one := bytes.Clone(plain)
	copy(one[event(middle)+len(`{"event"`):], "=") // is no JSON any more
	for name, tt := range map[string]struct {
		file []byte
		lost []int64
	}{
		"cut off":  {packed(t, plain, event(middle)+9), gone[len(gone)/2:]},
		"one line": {packed(t, one, len(one)), []int64{middle}},
	} {
		opened := 0
		log := &commands.Archived{EventStore: db.EventStore(), Open: func(string) (io.ReadCloser, error) {
			opened++
			return io.NopCloser(bytes.NewReader(tt.file)), nil
		}}
		report, err := verify.Log(t.Context(), verify.Options{Store: log, MaxRetries: 5, Patience: time.Hour})
		if err != nil {
			t.Fatal(name, err)
		}
		var found []int64
		for _, f := range report.Findings {
			if f.Guarantee == "G2" && strings.Contains(f.What, "archive a.gz") {
				found = append(found, f.Position)
			}
		}
		if diff := cmp.Diff(tt.lost, found); diff != "" {
			t.Errorf("%s: found at (-lost +found)\n%s", name, diff)
		}
		if opened > 2 { // not once for each position
			t.Errorf("%s: opened %d times", name, opened)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}
