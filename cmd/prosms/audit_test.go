package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// runHere runs one command line in this process.
func runHere(t *testing.T, environ []string, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(t.Context(), process{Args: args, Environ: environ, Stdout: &out, Stderr: &errs})
	return out.String() + errs.String(), err
}

func TestSignedHeadsShowALogThatWasReplaced(t *testing.T) {
	dir := t.TempDir()
	printed, err := runHere(t, nil, "audit", "key", "test")
	keys := regexp.MustCompile(`(PRIVATE\+KEY\S+)\n.*: (test\S+)`).FindStringSubmatch(printed)
	if err != nil || keys == nil {
		t.Fatalf("audit key: %v, %q", err, printed)
	}
	heads := filepath.Join(dir, "heads")
	environ := func(db string) []string {
		return []string{"DATABASE_URL=sqlite://" + filepath.Join(dir, db), "PROSMS_HEAD_KEY=" + keys[1], "PROSMS_HEAD_FILE=" + heads, "PROSMS_LOG_LEVEL=error"}
	}
	must := func(db string, args ...string) string {
		t.Helper()
		printed, err := runHere(t, environ(db), args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, printed)
		}
		return printed
	}
	for range 30 { // more heads than the tail of the file that is read
		must("a.db", "keys", "create", "--tenant", "acme", "--scope", "admin")
		must("a.db", "audit", "head")
	}
	size := func() int64 {
		info, err := os.Stat(heads)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if note := must("a.db", "audit", "head"); !strings.HasPrefix(note, "test\n30\n") || size() != before {
		t.Errorf("the head of a log at rest: %q, the file grew by %d", note, size()-before)
	}
	verify := []string{"verify", "--head", heads, "--head-key", keys[2]}
	must("a.db", verify...)
	bundle := filepath.Join(dir, "bundle")
	must("a.db", "audit", "export", "3-5", "--out", bundle)
	if content, err := os.ReadFile(bundle); err != nil || !strings.Contains(string(content), `"end":{"position":5,`) {
		t.Errorf("the bundle does not end at the first head behind it: %v\n%s", err, content)
	}

	must("b.db", "keys", "create", "--tenant", "acme", "--scope", "admin")
	if printed, err := runHere(t, environ("b.db"), verify...); err == nil || !strings.Contains(printed, "G2 position 1: positions 1 to 1 are not those that were signed") {
		t.Errorf("another log passes: %v\n%s", err, printed)
	}
	if _, err := runHere(t, environ("b.db"), "audit", "head"); err == nil || size() != before {
		t.Errorf("the head of another log was signed: %v", err)
	}
	if err := os.WriteFile(heads+"2", []byte("test\n1\n\nno signature\n\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{{heads, "test"}, {heads + "2", keys[2]}, {heads + "3", keys[2]}} {
		if _, err := runHere(t, environ("a.db"), "verify", "--head", bad[0], "--head-key", bad[1]); err == nil {
			t.Errorf("verify %v passed", bad)
		}
	}
}

func TestHeadsGoOnUnderAnotherKey(t *testing.T) {
	dir := t.TempDir()
	heads, file, database := filepath.Join(dir, "heads"), filepath.Join(dir, "key"), "DATABASE_URL=sqlite://"+filepath.Join(dir, "a.db")
	signers := make([]audit.Signer, 2)
	for i := range signers {
		var err error
		if signers[i], err = audit.NewSigner("test", bytes.Repeat([]byte{byte(i + 1)}, 32)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(signers[0].Secret())
	c, err := loadConfig([]string{database, "PROSMS_HEAD_KEY=file:" + file, "PROSMS_HEAD_FILE=" + heads})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store := &memory.EventStore{}
	l := newLogins(c, log)
	defer l.close()
	signer := newHeadSigner(c, l.headKey, store, log)
	version := 0
	signed := func() {
		t.Helper()
		version++
		if _, err := store.Append(t.Context(), ports.Write{StreamID: "s", Expected: version - 1, Events: []events.Event{events.MessageReceiptIgnored{}}}); err != nil {
			t.Fatal(err)
		}
		l.all[0].readAt = time.Time{}
		if note, err := signer.Sign(t.Context()); err != nil || note == nil {
			t.Fatalf("signing: %q, %v", note, err)
		}
	}
	signed()
	for _, text := range []string{signers[1].Secret(), "no key", signers[0].Secret()} {
		write(text)
		signed()
	}
	for _, tt := range []struct {
		keys          []string
		heads, faults int
	}{
		{[]string{signers[0].Verifier().String()}, 2, 2}, {[]string{signers[1].Verifier().String()}, 2, 2},
		{[]string{signers[0].Verifier().String(), signers[1].Verifier().String()}, 4, 0},
	} {
		got, faults, err := readHeads(heads, tt.keys...)
		if err != nil || len(got) != tt.heads || len(faults) != tt.faults {
			t.Errorf("with %d keys: %d heads, %v, %v", len(tt.keys), len(got), faults, err)
		}
	}
}
