package tracing

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/ports"
)

// bus is a ports.Bus whose messages carry the trace that they belong to.
type bus struct {
	ports.Bus
	tracing *Tracing
}

// Bus makes a span of each publishing that somebody traces, and puts its context
// into the metadata of the messages.
func (t *Tracing) Bus(b ports.Bus) ports.Bus {
	if t == nil {
		return b
	}
	return bus{b, t}
}

// Publish implements message.Publisher.
func (b bus) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return b.Bus.Publish(topic)
	}
	ctx := messages[0].Context() // all are of one frame
	traceParents, _ := ctx.Value(relayed{}).([]string)
	ctx, span := b.tracing.span(ctx, "publish "+topic, trace.SpanKindProducer, traceParents)
	if traceParent := format(ctx); traceParent != "" {
		for _, msg := range messages {
			msg.Metadata.Set(traceParentKey, traceParent)
		}
	}
	err := b.Bus.Publish(topic, messages...)
	end(span, err)
	return err
}

// relayed is the key under which a context has the traceparents of a frame's events.
type relayed struct{}

// Relay lets what handle publishes belong to the traces of the events in the frame
// that it is given.
func (t *Tracing) Relay(handle message.NoPublishHandlerFunc) message.NoPublishHandlerFunc {
	if t == nil {
		return handle
	}
	return func(msg *message.Message) error {
		if traceParents := traceParentsIn(msg.Payload); len(traceParents) > 0 {
			msg.SetContext(context.WithValue(msg.Context(), relayed{}, traceParents))
		}
		return handle(msg)
	}
}

// traceParentsIn returns the traceparents in a ports.EventFrame. What cannot be
// read is the handler's to refuse.
func traceParentsIn(payload []byte) []string {
	var frame struct {
		Events []struct {
			Meta struct {
				TraceParent string `json:"traceparent"`
			} `json:"meta"`
		} `json:"events"`
	}
	if json.Unmarshal(payload, &frame) != nil {
		return nil
	}
	var traceParents []string
	for _, e := range frame.Events {
		if tp := e.Meta.TraceParent; tp != "" && !slices.Contains(traceParents, tp) && len(traceParents) < maxLinks {
			traceParents = append(traceParents, tp)
		}
	}
	return traceParents
}

// Consumer makes a span called name of the handling of each message whose
// publishing was traced.
func (t *Tracing) Consumer(name string, handle message.NoPublishHandlerFunc) message.NoPublishHandlerFunc {
	if t == nil {
		return handle
	}
	return func(msg *message.Message) error {
		traceParent := msg.Metadata.Get(traceParentKey)
		if traceParent == "" {
			return handle(msg)
		}
		ctx := propagation.TraceContext{}.Extract(msg.Context(), propagation.MapCarrier(msg.Metadata))
		ctx, span := t.span(ctx, name, trace.SpanKindConsumer, nil)
		msg.SetContext(ctx)
		err := handle(msg)
		end(span, err)
		return err
	}
}
