// Package metrics measures what the gateway does, for Prometheus. It measures
// from outside, by decorators of ports and by functions that are told, so that
// nothing inside knows of it. No label ever holds an id, a number or a text: all
// values are words of the code or names of the configuration.
package metrics

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/domain"
)

// Buckets, in seconds unless said otherwise.
var (
	// A text may take minutes or hours when it needs its retries.
	latencyBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 4 * 3600}
	appendBuckets  = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15}
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 30}
	batchBuckets   = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024} // events
)

// Metrics are all that one process measures. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	names    []string
	traces   bool
	log      *slog.Logger

	dispatches    *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	messages      *prometheus.CounterVec
	retries       prometheus.Counter
	optOuts       prometheus.Counter
	strays        prometheus.Counter
	appendSeconds prometheus.Histogram
	batchSize     prometheus.Histogram
	requests      *prometheus.HistogramVec
	rateLimited   prometheus.Counter
	refused       *prometheus.CounterVec
	posts         *prometheus.HistogramVec
	foreignFrames prometheus.Counter
	sampleErrors  *prometheus.CounterVec
}

// New returns Metrics that have counted nothing yet. With traces, which says that
// tracing is on, they name traces as examples.
func New(traces bool, log *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), traces: traces, log: log}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.dispatches = m.counter("sms_dispatch_total",
		"Provider calls of this instance. What may have been sent, and may not, is a fail.", "provider", "result")
	m.latency = m.histogram("sms_delivery_latency_seconds",
		"From the acceptance of a text (from send_at, the end of quiet hours or its replay, where it had to wait for that) until the provider took it.",
		latencyBuckets, "lane")
	m.messages = m.counter("sms_messages_total",
		"How often messages reached a status by an event that this instance appended: the sum over instances counts each once.", "status")
	m.retries = m.counter("sms_retries_total", "Retries that were scheduled.").WithLabelValues()
	m.optOuts = m.counter("sms_opt_outs_total", "Opt-outs that were recorded.").WithLabelValues()
	m.strays = m.counter("sms_receipts_unknown_total", "Final receipts that were recorded as of no message that is known here.").WithLabelValues()
	m.appendSeconds = m.histogram("event_append_seconds", "Duration of a commit to the event store.", appendBuckets).WithLabelValues().(prometheus.Histogram)
	m.batchSize = m.histogram("event_append_batch_size", "Events in a commit.", batchBuckets).WithLabelValues().(prometheus.Histogram)
	m.requests = m.histogram("http_request_duration_seconds",
		"Answered requests to the API; long polls and streams take as long as they are asked to.", requestBuckets, "method", "route", "status")
	m.rateLimited = m.counter("rate_limited_total", "Requests refused with 429.").WithLabelValues()
	m.refused = m.counter("sms_refused_total", "Texts that this instance refused, those of batches too, because the day of their tenant is used up or their prefix is paused.", "code")
	for _, code := range []string{"quota_exceeded", "prefix_paused"} {
		m.refused.WithLabelValues(code)
	}
	m.posts = m.histogram("webhook_post_seconds", "Attempts of this instance at customers' webhooks.", requestBuckets, "result")
	for _, result := range []string{"success", "fail"} {
		m.posts.WithLabelValues(result)
	}
	m.foreignFrames = m.counter("foreign_frames_total",
		"Frames of another log that were found in the queues of this one, and not applied.").WithLabelValues()
	m.sampleErrors = m.counter("metrics_sample_errors_total",
		"Gauges that could not be read at a scrape, which then lacks them.", "source")
	for _, status := range domain.Statuses {
		m.messages.WithLabelValues(string(status))
	}
	for _, lane := range domain.Lanes {
		m.latency.WithLabelValues(string(lane))
	}
	return m
}

// Refused counts texts that a cap or a pause has refused.
func (m *Metrics) Refused(code string, texts int) {
	m.refused.WithLabelValues(code).Add(float64(texts))
}

// ForeignFrame counts a frame of another log.
func (m *Metrics) ForeignFrame() { m.foreignFrames.Inc() }

// Names returns the names of all metrics but those of Go and the process.
func (m *Metrics) Names() []string { return m.names }

// Handler serves what was measured, with exemplars for those who ask for OpenMetrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelWarn),
		ErrorHandling:     promhttp.ContinueOnError,
	})
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.register(name, c)
	return c
}

// histogram has buckets, and is a native histogram for a server that asks for one.
func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
	}, labels)
	m.register(name, h)
	return h
}

func (m *Metrics) register(name string, c prometheus.Collector) {
	m.registry.MustRegister(c)
	m.names = append(m.names, name)
}

// observe adds a value, with the trace that shows an example of it.
func observe(o prometheus.Observer, value float64, traceID string) {
	if e, ok := o.(prometheus.ExemplarObserver); ok && traceID != "" {
		e.ObserveWithExemplar(value, prometheus.Labels{"trace_id": traceID})
		return
	}
	o.Observe(value)
}

// traceOf returns the id of the trace of ctx, if that is recorded.
func traceOf(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		return span.TraceID().String()
	}
	return ""
}

// traceIn returns the id in a traceparent (W3C Trace Context: version "-" trace id
// "-" parent id "-" flags), if that trace is recorded, and by us.
func (m *Metrics) traceIn(traceParent string) string {
	if m.traces && len(traceParent) == 55 && traceParent[54]&1 == 1 {
		return traceParent[3:35]
	}
	return ""
}
