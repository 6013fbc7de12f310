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
	var handler slog.Handler = slog.NewTextHandler(w, options)
	switch format {
	case "json":
		handler = slog.NewJSONHandler(w, options)
	case "pretty":
		// https://no-color.org
		handler = newPrettyHandler(w, level, terminal && c.environ["NO_COLOR"] == "")
	}
	return slog.New(newSteadyHandler(handler))
}
