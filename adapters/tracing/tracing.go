// Package tracing follows texts through the gateway, with OpenTelemetry. It works
// from outside, by decorators of ports and handlers: what joins the spans of a
// text, be they hours and a restart apart, is the traceparent in its events.
//
// The instrumentation of others is not used: otelhttp records paths and queries,
// which may hold numbers; redisotel records keys, in which clients' addresses stand;
// otelpgx makes spans of statements that serve many texts at once (a group commit,
// a frame), and so belong to the trace of none. Appends, frames and calls are spans
// of ours, named after what they are for.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Tracing makes spans. A nil Tracing makes none: it returns what it is given.
type Tracing struct {
	provider *trace.TracerProvider
	tracer   tracer
}

// New returns a Tracing of its own, whose spans go where options say.
func New(options ...trace.TracerProviderOption) *Tracing {
	provider := trace.NewTracerProvider(options...)
	return &Tracing{provider: provider, tracer: provider.Tracer("github.com/pro-sms/prosms")}
}

// Open returns a Tracing that sends its spans to where the OTEL_… variables of this
// process say, which the SDK reads by itself. It does not wait for the receiver:
// spans that nobody takes are dropped, and the log says so.
func Open(ctx context.Context, log *slog.Logger) (*Tracing, error) {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			return nil, fmt.Errorf("%s: only http/protobuf is available", name)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the exporter of traces: %w", err)
	}
	// The variables come last, and so win.
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "prosms")),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err), exporter.Shutdown(ctx))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("sending traces", "error", err) }))
	return New(trace.WithBatcher(exporter), trace.WithResource(about)), nil
}

// Close sends what has not been sent, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}
