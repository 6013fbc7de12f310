package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Whoever takes heads has each, again until it has taken it, and the file has them all
// the same.
func TestSignedHeadsArePostedUntilTheyAreTaken(t *testing.T) {
	key, err := audit.NewSigner("test", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	answer := http.StatusInternalServerError
	var posted []audit.Head
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h, err := key.Verifier().Open(note)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s of %q: %v", r.Method, note, err)
		}
		posted = append(posted, h)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer)
	}))
	defer server.Close()
	heads := filepath.Join(t.TempDir(), "heads")
	c, err := loadConfig([]string{
		"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "a.db"), "PROSMS_HEAD_KEY=" + key.Secret(), "PROSMS_HEAD_FILE=" + heads,
		"PROSMS_HEAD_URL=" + server.URL + "/heads?token=confidential",
	})
	if err != nil {
		t.Fatal(err)
	}
	store := &memory.EventStore{}
	signer := newHeadSigner(c, nil, store, slog.New(slog.DiscardHandler))
	for n, tt := range []struct {
		grows  bool
		answer int
		fault  string
		posted int64 // the position; 0: nothing
		filed  int   // heads in the file
	}{
		{true, http.StatusInternalServerError, "answered with 500", 1, 1},
		{false, http.StatusFound, "answered with 302", 1, 1},
		{false, http.StatusNoContent, "", 1, 1},
		{false, http.StatusNoContent, "", 0, 1},
		{true, http.StatusNoContent, "", 2, 2},
	} {
		answer, posted = tt.answer, nil
		if tt.grows {
			if _, err := store.Append(t.Context(), ports.Write{StreamID: "s", Expected: tt.filed - 1, Events: []events.Event{events.MessageReceiptIgnored{}}}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := signer.Sign(t.Context())
		if (err == nil) != (tt.fault == "") || err != nil && (!strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "confidential")) {
			t.Errorf("%d: %v, want %q", n, err, tt.fault)
		}
		if tt.posted == 0 && len(posted) > 0 || tt.posted > 0 && (len(posted) != 1 || posted[0].Position != tt.posted) {
			t.Errorf("%d: posted %+v, want position %d", n, posted, tt.posted)
		}
		if filed, faults, err := readHeads(heads, key.Verifier().String()); err != nil || len(filed) != tt.filed || len(faults) > 0 {
			t.Errorf("%d: %d heads in the file, %v, %v", n, len(filed), faults, err)
		}
	}
	server.Close()
	if _, err := store.Append(t.Context(), ports.Write{StreamID: "s", Expected: 2, Events: []events.Event{events.MessageReceiptIgnored{}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context()); err == nil || strings.Contains(err.Error(), "confidential") {
		t.Errorf("nobody listened: %v", err)
	}
}
