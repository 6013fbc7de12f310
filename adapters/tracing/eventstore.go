package tracing

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/ports"
)

// eventStore is a ports.EventStore whose appends are spans.
type eventStore struct {
	ports.EventStore
	tracing *Tracing
}

// EventStore makes a span of each append: it belongs above group commit, which
// joins the appends of many.
func (t *Tracing) EventStore(store ports.EventStore) ports.EventStore {
	if t == nil {
		return store
	}
	return eventStore{store, t}
}

// Append implements ports.EventStore.
func (s eventStore) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	name, events := "append", 0
	traceParents := make([]string, len(writes))
	for i, w := range writes {
		traceParents[i] = w.Meta.TraceParent
		events += len(w.Events)
		if i == 0 && len(w.Events) > 0 {
			name += " " + w.Events[0].EventType()
		}
	}
	attributes := []attribute.KeyValue{keyEvents.Int(events)}
	if len(writes) == 1 && strings.HasPrefix(writes[0].StreamID, "msg_") {
		attributes = append(attributes, keyMessage.String(writes[0].StreamID))
	}
	ctx, span := s.tracing.span(ctx, name, trace.SpanKindInternal, traceParents, attributes...)
	results, err := s.EventStore.Append(ctx, writes...)
	end(span, err)
	return results, err
}
