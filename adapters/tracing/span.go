package tracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

type tracer = trace.Tracer

// Attributes of spans. Ids may stand in them, numbers and bodies never.
const (
	keyMessage  = attribute.Key("prosms.message_id")
	keyAttempt  = attribute.Key("prosms.attempt")
	keyProvider = attribute.Key("prosms.provider")
	keyClass    = attribute.Key("prosms.class")
	keyEvents   = attribute.Key("prosms.events")
)

// maxLinks bounds the traces that one span is linked to: a frame may be about 500.
const maxLinks = 64

// traceParentKey is the name of W3C Trace Context in headers and metadata.
const traceParentKey = "traceparent"

// span starts a span of work on texts, named by the traceparents that their
// requests had. Work on texts of one trace is part of that trace; work on texts of
// several is linked to them all, and part of ctx's trace or of a new one. Where
// nobody traces any of it there is no span.
func (t *Tracing) span(ctx context.Context, name string, kind trace.SpanKind, traceParents []string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	current := trace.SpanContextFromContext(ctx)
	others := othersThan(current, traceParents)
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	switch {
	case !current.IsValid() && len(others) == 0:
		return ctx, noop.Span{}
	case len(others) == 1:
		if current.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: current}))
		}
		ctx = trace.ContextWithRemoteSpanContext(ctx, others[0])
	default:
		for _, other := range others {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: other}))
		}
	}
	return t.tracer.Start(ctx, name, options...)
}

// othersThan returns the places in other traces than current's that are recorded,
// one in each.
func othersThan(current trace.SpanContext, traceParents []string) []trace.SpanContext {
	var others []trace.SpanContext
	for _, traceParent := range traceParents {
		place := parse(traceParent)
		known := func(o trace.SpanContext) bool { return o.TraceID() == place.TraceID() }
		if place.IsSampled() && !known(current) && !slices.ContainsFunc(others, known) && len(others) < maxLinks {
			others = append(others, place)
		}
	}
	return others
}

func parse(traceParent string) trace.SpanContext {
	carrier := propagation.MapCarrier{traceParentKey: traceParent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// format returns the traceparent of ctx's span; empty where there is none.
func format(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceParentKey]
}

// end ends a span with what came of the work. The text of err is for the log.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
