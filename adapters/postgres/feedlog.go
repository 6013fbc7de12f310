package postgres

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
)

// feedLog is what watermill-sql logs to. It calls its own end an error, and each
// subscription's an event: neither is news to an operator.
type feedLog struct{ watermill.LoggerAdapter }

func newFeedLog(log *slog.Logger) feedLog {
	return feedLog{watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})}
}

// Error implements watermill.LoggerAdapter.
func (l feedLog) Error(message string, err error, fields watermill.LogFields) {
	cause, _ := fields["query_err"].(error) // what it was doing when err befell it
	if errors.Is(err, context.Canceled) || errors.Is(cause, context.Canceled) {
		l.Debug(message, fields.Add(watermill.LogFields{"error": err}))
		return
	}
	l.LoggerAdapter.Error(message, err, fields)
}

// With implements watermill.LoggerAdapter.
func (l feedLog) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return feedLog{l.LoggerAdapter.With(fields)}
}
