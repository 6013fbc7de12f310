package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// prettyHandler is a slog.Handler for people at a terminal: time and level, the
// message in a column, and then the attributes as slog.TextHandler writes them, so
// that nothing in a line can steer the terminal.
type prettyHandler struct {
	attributes slog.Handler // writes into line
	shared     *prettyOutput
	color      bool
}

// prettyOutput is what a handler shares with those that are derived from it.
type prettyOutput struct {
	mu   sync.Mutex
	line bytes.Buffer // of the attributes of the record in hand
	out  io.Writer
}

// messageColumn is as wide as most messages; a longer one moves its attributes.
const messageColumn = 40

// Escape sequences of a terminal (ECMA-48, select graphic rendition).
const (
	faint, bold, plain = "\x1b[2m", "\x1b[1m", "\x1b[0m"
	red, yellow, green = "\x1b[31m", "\x1b[33m", "\x1b[32m"
)

func newPrettyHandler(out io.Writer, level slog.Leveler, color bool) slog.Handler {
	shared := &prettyOutput{out: out}
	return prettyHandler{shared: shared, color: color, attributes: slog.NewTextHandler(&shared.line, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{} // it stands in front
			}
			return a
		},
	})}
}

// Enabled implements slog.Handler.
func (h prettyHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.attributes.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h prettyHandler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	h.shared.line.Reset()
	if err := h.attributes.Handle(ctx, r); err != nil {
		return err
	}
	message := r.Message
	if strings.ContainsFunc(message, func(c rune) bool { return !strconv.IsPrint(c) }) {
		message = strconv.Quote(message)
	}
	attributes := strings.TrimRight(h.shared.line.String(), "\n")
	if attributes != "" {
		message = fmt.Sprintf("%-*s", messageColumn, message)
	}
	var clock string
	if !r.Time.IsZero() {
		clock = h.in(faint, r.Time.Format("15:04:05.000")) + " "
	}
	level := h.in(colorOf(r.Level), fmt.Sprintf("%-5s", r.Level))
	line := clock + level + " " + h.in(bold, message) + " " + attributes
	_, err := io.WriteString(h.shared.out, strings.TrimRight(line, " ")+"\n")
	return err
}

func colorOf(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return red
	case level >= slog.LevelWarn:
		return yellow
	case level >= slog.LevelInfo:
		return green
	}
	return faint
}

func (h prettyHandler) in(style, text string) string {
	if !h.color {
		return text
	}
	return style + text + plain
}

// WithAttrs implements slog.Handler.
func (h prettyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attributes = h.attributes.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h prettyHandler) WithGroup(name string) slog.Handler {
	h.attributes = h.attributes.WithGroup(name)
	return h
}
