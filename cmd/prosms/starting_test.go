package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever connects between two servers of a listener is answered by the second.
func TestListenersAreHandedOverWithoutARefusedConnection(t *testing.T) {
	l, err := listen(t.Context(), Config{HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}, allRoles)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	client := http.Client{Timeout: 10 * time.Second}
	get := func(path string) string {
		response, err := client.Get(l.apiURL() + path)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err.Error()
		}
		return response.Status + " " + string(body)
	}
	meanwhile := answerMeanwhile(l)
	meanwhile.because(errors.New("the database is away"))
	if got := get("/readyz?verbose"); !strings.HasPrefix(got, "503 ") {
		t.Errorf("at first: %s", got)
	}
	meanwhile.stop()
	between := make(chan string)
	go func() { between <- get("/livez") }()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- serveHTTP(ctx, l.api, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the second") }), slog.New(slog.DiscardHandler))
	}()
	for _, got := range []string{<-between, get("/livez")} {
		if got != "200 OK the second" {
			t.Errorf("afterwards: %s", got)
		}
	}
	meanwhile.stop() // again, as serve does when it ends
	if got := get("/livez"); got != "200 OK the second" {
		t.Errorf("stopping again ends the second: %s", got)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestADatabaseThatWaitingDoesNotCureEndsTheStart(t *testing.T) {
	folder := t.TempDir()
	foreign := filepath.Join(folder, "foreign.db")
	if err := os.WriteFile(foreign, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		folder: "is a directory", filepath.Join(folder, "missing", "a.db"): "no such file or directory", foreign: "not a SQLite database",
	} {
		err := run(t.Context(), process{
			Args: []string{"serve"}, Stdout: io.Discard, Stderr: io.Discard,
			Environ: []string{"DATABASE_URL=sqlite://" + path, "PROSMS_START_TIMEOUT=1h", "PROSMS_HTTP_ADDR=127.0.0.1:0", "PROSMS_ADMIN_ADDR=127.0.0.1:0"},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
