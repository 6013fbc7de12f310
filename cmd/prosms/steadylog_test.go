package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnErrorThatRepeatsItselfIsSaidOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newLogger(&out, Config{LogFormat: "text"})
		gone := errors.New("broker is gone")
		for range 100 { // ten seconds
			log.With("handler_name", "relay").Error("Handler returned error", "message_uuid", time.Now().String(), "error", gone)
			about := []any{"topic", "relay", "consumer", "other"}
			if time.Now().UnixMilli()%200 == 0 {
				about = append(about[2:], about[:2]...)
			}
			log.Error("Handler returned error", append(about, "error", gone)...)
			log.Warn("not shared", "error", gone)
			time.Sleep(100 * time.Millisecond)
		}
		if got := strings.Count(out.String(), "\n"); got != 3 {
			t.Errorf("%d lines, want one of each of three errors:\n%s", got, out.String())
		}
		out.Reset()
		log.With("handler_name", "relay").Error("Handler returned error", "message_uuid", "1", "error", gone)
		if !strings.Contains(out.String(), "repeated=99") {
			t.Errorf("after a while: %s", out.String())
		}
	})
}

func TestWhatIsNoRepeatedErrorIsSaidEachTime(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, Config{LogFormat: "json"})
	for range 5 {
		log.Info("request", "status", 503, "error", "full")
		log.Warn("receipt for an unknown message")
		log.Error("answering with an internal error", "request_id", "req_1", "error", "bug")
	}
	if got := strings.Count(out.String(), "\n"); got != 15 {
		t.Errorf("%d lines, want 15:\n%s", got, out.String())
	}
}

func TestTheErrorsThatAreRememberedAreBounded(t *testing.T) {
	h, at := newSteadyHandler(slog.DiscardHandler).(steadyHandler), time.Now()
	for i := range 3 * heardMax {
		if _, speak := h.heard.note(strings.Repeat("x", i), at); !speak {
			t.Fatalf("error %d, which is new, was held back", i)
		}
	}
	if len(h.heard.lines) > heardMax {
		t.Errorf("%d are remembered", len(h.heard.lines))
	}
	if h.heard.note("new", at.Add(heardFor)); len(h.heard.lines) > 1 {
		t.Errorf("%d that are old are remembered", len(h.heard.lines))
	}
}
