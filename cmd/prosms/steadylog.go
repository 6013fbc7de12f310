package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// steadyHandler is a slog.Handler that says an error once in heardFor, and then how
// often it was repeated meanwhile: while the broker is gone, the relay and the
// scheduler find that six times a second. It holds back warnings and errors that are
// alike in all but the ids of frames and traces. What belongs to a request passes, so
// that each request id is found.
type steadyHandler struct {
	slog.Handler
	scope string // the attributes that it was derived with
	heard *heardErrors
}

// heardErrors is what a handler shares with those that are derived from it.
type heardErrors struct {
	mu    sync.Mutex
	lines map[string]heardError
}

type heardError struct {
	at       time.Time // when it was written
	repeated int       // how often it was held back since
}

const (
	heardFor = 10 * time.Second
	heardMax = 1000 // kinds of errors that are remembered
)

func newSteadyHandler(h slog.Handler) slog.Handler {
	return steadyHandler{Handler: h, heard: &heardErrors{lines: map[string]heardError{}}}
}

// Handle implements slog.Handler.
func (h steadyHandler) Handle(ctx context.Context, r slog.Record) error {
	if name, ok := h.name(r); ok {
		repeated, speak := h.heard.note(name, r.Time)
		if !speak {
			return nil
		}
		if repeated > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("repeated", repeated))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// name is the same for records that are alike; false: r is no error to hold back.
func (h steadyHandler) name(r slog.Record) (string, bool) {
	if r.Level < slog.LevelWarn {
		return "", false
	}
	var attributes []string
	failed, asked := false, false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "message_uuid", "trace_id", "span_id":
			return true
		case "error":
			failed = true
		case "request_id":
			asked = true
		}
		attributes = append(attributes, a.String())
		return true
	})
	slices.Sort(attributes) // Watermill gives them in any order
	return r.Message + h.scope + " " + strings.Join(attributes, " "), failed && !asked
}

// note returns how often a record was held back before, or false to hold it back too.
func (h *heardErrors) note(name string, at time.Time) (repeated int, speak bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, known := h.lines[name]
	if known && at.Sub(line.at) < heardFor {
		line.repeated++
		h.lines[name] = line
		return 0, false
	}
	if len(h.lines) >= heardMax {
		for other, line := range h.lines {
			if at.Sub(line.at) >= heardFor {
				delete(h.lines, other)
			}
		}
	}
	if known || len(h.lines) < heardMax {
		h.lines[name] = heardError{at: at}
	}
	return line.repeated, true
}

// WithAttrs implements slog.Handler.
func (h steadyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return steadyHandler{h.Handler.WithAttrs(attrs), fmt.Sprint(h.scope, " ", attrs), h.heard}
}

// WithGroup implements slog.Handler.
func (h steadyHandler) WithGroup(name string) slog.Handler {
	return steadyHandler{h.Handler.WithGroup(name), h.scope + " " + name, h.heard}
}
