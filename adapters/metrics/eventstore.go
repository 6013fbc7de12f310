package metrics

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// eventStore is a ports.EventStore whose commits are measured.
type eventStore struct {
	ports.EventStore
	metrics *Metrics
}

// EventStore measures the commits of store, so it belongs below group commit, and
// counts what its events say. An event is appended by one instance, once; those of
// a commit whose outcome is unknown are not counted.
func (m *Metrics) EventStore(store ports.EventStore) ports.EventStore {
	return eventStore{store, m}
}

// Append implements ports.EventStore.
func (s eventStore) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	start := time.Now()
	results, err := s.EventStore.Append(ctx, writes...)
	observe(s.metrics.appendSeconds, time.Since(start).Seconds(), traceOf(ctx))
	if err != nil {
		return results, err
	}
	appended := 0
	for i, result := range results {
		if result.Err != nil {
			continue
		}
		appended += len(writes[i].Events)
		for _, e := range writes[i].Events {
			s.metrics.count(e)
		}
	}
	if appended > 0 {
		s.metrics.batchSize.Observe(float64(appended))
	}
	return results, nil
}

// count counts what e says. A status counts whenever a message reaches it.
func (m *Metrics) count(e events.Event) {
	switch e.(type) {
	case events.MessageRetried:
		m.retries.Inc()
	case events.ConsentOptedOut:
		m.optOuts.Inc()
	case events.ReceiptUnknown:
		m.strays.Inc()
	}
	if status := (domain.Message{}).Evolve(e).Status; status != "" {
		m.messages.WithLabelValues(string(status)).Inc()
	}
}
