package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/pro-sms/prosms/adapters/tracing"
)

// openTracing returns nil, which traces nothing, unless the configuration says
// where traces go.
func openTracing(ctx context.Context, c Config, log *slog.Logger) (*tracing.Tracing, error) {
	if c.OTLPEndpoint == "" {
		return nil, nil
	}
	return tracing.Open(ctx, log)
}

// closeTracing sends the last spans. That their receiver is gone is no fault of
// the run.
func closeTracing(traces *tracing.Tracing, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := traces.Close(ctx); err != nil {
		log.Warn("stopping", "error", err)
	}
}
