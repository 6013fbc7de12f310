package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// said runs a command line, and returns what it printed and why it failed.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), process{Args: args, Environ: []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "a.db")}, Stdout: &out, Stderr: &out})
	if err != nil {
		out.WriteString("prosms: " + err.Error())
	}
	return out.String()
}

func TestAMistakeOnTheCommandLineIsToldWithWhatHelps(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address, missing := taken.Addr().String(), filepath.Join(t.TempDir(), "missing.db")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"srve"}, []string{"srve", "prosms --help"}},
		{[]string{"keys", "create"}, []string{"--tenant", "see prosms keys create --help"}},
		{[]string{"dlq"}, []string{"see prosms dlq --help"}},
		{[]string{"--version"}, []string{"prosms "}},
		{[]string{"keys", "create", "--tenant", "acme", "--scope", "messages:read,wirte"}, []string{"--scope", "wirte", "messages:write"}},
		{[]string{"tail", "--once", "--type", "message.delivred"}, []string{"--type: message.delivred", "message.delivered"}},
		{[]string{"export", "--type", "message,mesage"}, []string{"--type: mesage", "begin with breaker"}},
		{[]string{"migrate-store", "--from", "sqlite://" + missing, "--to", "sqlite://" + missing + ".to"}, []string{"--from", "missing.db"}},
		{[]string{"demo", "--data", t.TempDir(), "--http", address, "--admin", "127.0.0.1:0", "--phone", address}, []string{"the API", "the phone", "--phone"}},
	} {
		got := said(t, tt.args...)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%v: %s\nwant %q in it", tt.args, got, want)
			}
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a store to move that was not there was made")
	}
}

func TestAPositionThatTheLogHasNotReachedIsToldAndNotAwaited(t *testing.T) {
	environ := []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "a.db")}
	command := func(args ...string) error {
		return run(t.Context(), process{Args: args, Environ: environ, Stdout: io.Discard, Stderr: io.Discard})
	}
	if err := command("keys", "create", "--tenant", "acme", "--scope", "admin"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tail", "export"} {
		if err := command(name, "--after", "2"); err == nil || !strings.Contains(err.Error(), "ends at 1.") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := command("export", "--after", "1"); err != nil {
		t.Errorf("at the head: %v", err)
	}
}

// full is a disk that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestAVerdictThatCannotBeWrittenIsNoSuccess(t *testing.T) {
	environ := []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "a.db")}
	for _, tt := range []struct {
		args   []string
		stdout io.Writer
		want   error
	}{{[]string{"keys", "list"}, io.Discard, nil}, {[]string{"verify"}, io.Discard, nil}, {[]string{"verify"}, full{}, syscall.ENOSPC}} {
		if err := run(t.Context(), process{Args: tt.args, Environ: environ, Stdout: tt.stdout, Stderr: io.Discard}); !errors.Is(err, tt.want) {
			t.Errorf("%v: %v, want %v", tt.args, err, tt.want)
		}
	}
}
