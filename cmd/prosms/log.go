package main

import (
	"io"
	"log/slog"
)

// newLogger writes to w as the configuration wants it. Numbers and bodies never
// reach it: they are of a type that prints as "[personal]".
func newLogger(w io.Writer, c Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
