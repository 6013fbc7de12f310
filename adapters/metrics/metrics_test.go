package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func newMetrics(traces bool) *metrics.Metrics {
	return metrics.New(traces, slog.New(slog.DiscardHandler))
}

// scrape returns the lines of /metrics, as OpenMetrics.
func scrape(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, request)
	if recorder.Code != 200 {
		t.Fatalf("GET /metrics = %d", recorder.Code)
	}
	return strings.Split(recorder.Body.String(), "\n")
}

func expect(t *testing.T, lines []string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(lines, line) {
			name, _, _ := strings.Cut(line, "{")
			name, _, _ = strings.Cut(name, " ")
			var alike []string
			for _, l := range lines {
				if strings.HasPrefix(l, name) {
					alike = append(alike, l)
				}
			}
			t.Errorf("no line %q; there are\n%s", line, strings.Join(alike, "\n"))
		}
	}
}

func TestStatusesCountOnceWhenTheirEventIsAppended(t *testing.T) {
	m := newMetrics(false)
	store := m.EventStore(&memory.EventStore{})
	now := time.Now()
	for _, write := range []ports.Write{
		{StreamID: "msg_1", Events: []events.Event{events.MessageAccepted{Lane: "high"}}},
		{StreamID: "msg_1", Events: []events.Event{events.MessageAccepted{Lane: "high"}}}, // a conflict
		{StreamID: "msg_2", Events: []events.Event{events.MessageAccepted{SendAt: &now}}},
		{StreamID: "msg_1", Expected: 1, Events: []events.Event{events.MessageAttempted{Attempt: 1}}},
		{StreamID: "msg_1", Expected: 2, Events: []events.Event{events.MessageFailed{}, events.MessageRetried{Attempt: 2}}},
		{StreamID: "msg_1", Expected: 4, Events: []events.Event{events.MessageReconciled{Outcome: "sent"}, events.MessageReceiptIgnored{}}},
		{StreamID: "consent_1", Events: []events.Event{events.ConsentOptedOut{}}},
		{StreamID: "receipt_1", Events: []events.Event{events.ReceiptUnknown{}}},
	} {
		if _, err := store.Append(t.Context(), write); err != nil {
			t.Fatal(err)
		}
	}
	m.ForeignFrame()
	expect(t, scrape(t, m),
		`sms_messages_total{status="accepted"} 1.0`, `sms_messages_total{status="scheduled"} 1.0`,
		`sms_messages_total{status="dispatching"} 1.0`, `sms_messages_total{status="retrying"} 1.0`,
		`sms_messages_total{status="dispatched"} 1.0`, `sms_messages_total{status="expired"} 0.0`,
		`foreign_frames_total 1.0`, `sms_retries_total 1.0`, `sms_opt_outs_total 1.0`, `sms_receipts_unknown_total 1.0`,
		`event_append_seconds_count 8`, `event_append_batch_size_count 7`, `event_append_batch_size_sum 9.0`)
}

// answers is a ports.Provider with one answer.
type answers struct {
	ports.Provider
	class domain.Class
}

func (answers) Name() string { return "acme" }

func (a answers) Send(context.Context, ports.Text) ports.Outcome {
	return ports.Outcome{Class: a.class}
}

func TestOnlyWhatTheProviderTookForCertainIsASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics(true)
		text := ports.Text{Lane: domain.High, Since: time.Now(), TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
		time.Sleep(3 * time.Second)
		for _, class := range []domain.Class{domain.ClassSent, domain.ClassInDoubt, domain.ClassPermanent, domain.ClassThrottled} {
			if got := m.Provider(answers{class: class}).Send(t.Context(), text); got.Class != class {
				t.Errorf("Send = %v, want %v", got.Class, class)
			}
		}
		lines := scrape(t, m)
		expect(t, lines, `sms_dispatch_total{provider="acme",result="success"} 1.0`, `sms_dispatch_total{provider="acme",result="fail"} 3.0`,
			`sms_delivery_latency_seconds_count{lane="high"} 1`, `sms_delivery_latency_seconds_sum{lane="high"} 3.0`)
		if !slices.ContainsFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, `sms_delivery_latency_seconds_bucket{lane="high",le="5.0"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 3.0`)
		}) {
			t.Error("no trace as an example of a latency")
		}
	})
}

// A server that asks for them, in protobuf, gets native histograms, which need no
// buckets chosen in advance.
func TestHistogramsAreNativeForWhoAsks(t *testing.T) {
	m := newMetrics(false)
	m.Request(t.Context(), "GET", "/v1/messages", 200, 3*time.Millisecond)
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("Accept", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, request)
	decoder := expfmt.NewDecoder(recorder.Body, expfmt.ResponseFormat(recorder.Header()))
	native := map[string]bool{}
	for {
		var family client.MetricFamily
		if err := decoder.Decode(&family); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, metric := range family.Metric {
			if h := metric.GetHistogram(); h != nil {
				native[family.GetName()] = h.Schema != nil && len(h.Bucket) > 0 // and the others beside them
			}
		}
	}
	for _, name := range []string{"sms_delivery_latency_seconds", "event_append_seconds", "http_request_duration_seconds", "webhook_post_seconds"} {
		if !native[name] {
			t.Errorf("%s is no native histogram", name)
		}
	}
}

func TestPostsToWebhooksCountByWhatCameOfThem(t *testing.T) {
	m := newMetrics(true)
	delivered := true
	post := m.Post(func(context.Context, commands.WebhookPost) commands.WebhookAnswer {
		return commands.WebhookAnswer{Delivered: delivered}
	})
	of := commands.WebhookPost{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	if !post(t.Context(), of).Delivered {
		t.Error("the answer is lost")
	}
	delivered = false
	post(t.Context(), of)
	lines := scrape(t, m)
	expect(t, lines, `webhook_post_seconds_count{result="success"} 1`, `webhook_post_seconds_count{result="fail"} 1`)
	if !strings.Contains(strings.Join(lines, "\n"), of.TraceParent[3:35]) {
		t.Error("no trace as an example of a post")
	}
}

func TestRequestsCountByRouteAndClass(t *testing.T) {
	m := newMetrics(true)
	sampled := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	m.Request(sampled, "GET", "/v1/messages/{id}", 200, time.Millisecond)
	m.Request(t.Context(), "POST", "/v1/messages", 429, time.Millisecond)
	m.Request(t.Context(), "OTHER", "", 404, time.Millisecond)
	m.Refused("quota_exceeded", 3)
	lines := scrape(t, m)
	expect(t, lines, `rate_limited_total 1.0`, `sms_refused_total{code="quota_exceeded"} 3.0`, `sms_refused_total{code="prefix_paused"} 0.0`,
		`http_request_duration_seconds_count{method="GET",route="/v1/messages/{id}",status="2xx"} 1`,
		`http_request_duration_seconds_count{method="POST",route="/v1/messages",status="4xx"} 1`,
		`http_request_duration_seconds_count{method="OTHER",route="none",status="4xx"} 1`)
	if !strings.Contains(strings.Join(lines, "\n"), trace.TraceID{1}.String()) {
		t.Error("no trace as an example of a request")
	}
}

func TestAGaugeThatCannotBeReadIsAbsentAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics(false)
		reads, gone := 0, errors.New("gone")
		var fault error
		m.Sample(
			metrics.Gauge{Name: "good", Label: "queue", Read: func(context.Context) (map[string]float64, error) {
				reads++
				return map[string]float64{"a": float64(reads)}, nil
			}},
			metrics.Gauge{Name: "bad", Read: func(context.Context) (map[string]float64, error) {
				return map[string]float64{"": 1}, fault
			}},
			metrics.Gauge{Name: "hangs", Read: func(ctx context.Context) (map[string]float64, error) {
				time.Sleep(30 * time.Second) // whatever ctx says
				return map[string]float64{"": 1}, ctx.Err()
			}},
		)
		start := time.Now()
		expect(t, scrape(t, m), `good{queue="a"} 1.0`, `bad 1.0`)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("a scrape took %s, want 2 s", took)
		}
		fault = gone
		expect(t, scrape(t, m), `good{queue="a"} 1.0`, `bad 1.0`) // read a moment ago
		time.Sleep(5 * time.Second)
		lines := scrape(t, m)
		expect(t, lines, `good{queue="a"} 2.0`)
		for _, line := range lines {
			if strings.HasPrefix(line, "bad ") || strings.HasPrefix(line, "hangs ") {
				t.Errorf("%q, want none", line)
			}
		}
		time.Sleep(5 * time.Second) // counted at a scrape, shown by the next one
		fault = nil
		expect(t, scrape(t, m), `bad 1.0`)
		if n := counted(t, m, "bad"); n != 1 {
			t.Errorf("failures to read bad = %s, want 1", fmt.Sprint(n))
		}
		if n := counted(t, m, "hangs"); n < 2 {
			t.Errorf("failures to read hangs = %v, want 2 or more", n)
		}
		time.Sleep(time.Minute) // until the last read has ended
	})
}

func TestAGaugeThatIsSlowShowsWhatWasReadLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics(false)
		reads := 0
		m.Sample(metrics.Gauge{Name: "slow", Read: func(ctx context.Context) (map[string]float64, error) {
			reads++
			time.Sleep(4 * time.Second)
			return map[string]float64{"": float64(reads)}, ctx.Err()
		}})
		start := time.Now()
		for _, step := range []struct {
			at   time.Duration
			want string
		}{{0, ""}, {15 * time.Second, "slow 1.0"}, {30 * time.Second, "slow 2.0"}, {5 * time.Minute, ""}} {
			time.Sleep(step.at - time.Since(start))
			got := ""
			for _, line := range scrape(t, m) {
				if strings.HasPrefix(line, "slow ") {
					got = line
				}
			}
			if got != step.want {
				t.Errorf("after %s: %q, want %q", step.at, got, step.want)
			}
		}
		time.Sleep(time.Minute) // until the last read has ended
	})
}

func counted(t *testing.T, m *metrics.Metrics, source string) (n float64) {
	t.Helper()
	for _, line := range scrape(t, m) {
		if value, ok := strings.CutPrefix(line, `metrics_sample_errors_total{source="`+source+`"} `); ok {
			if _, err := fmt.Sscan(value, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}
