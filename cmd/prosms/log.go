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
	format, terminal := c.LogFormat, isTerminal(w)
	if format == "auto" && terminal {
		format = "pretty"
	}
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options))
	case "pretty":
		// https://no-color.org
		return slog.New(newPrettyHandler(w, level, terminal && c.environ["NO_COLOR"] == ""))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
