package systemtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// receiver takes spans over OTLP, as an OpenTelemetry collector does.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*otlp.Span
	raw   bytes.Buffer
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}
		if err != nil || request.URL.Path != "/v1/traces" {
			t.Errorf("taking spans at %s: %v", request.URL.Path, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw.Write(body)
		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// trace returns the spans of a trace, oldest first.
func (r *receiver) trace(id string) []*otlp.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var spans []*otlp.Span
	for _, span := range r.spans {
		if hex.EncodeToString(span.TraceId) == id {
			spans = append(spans, span)
		}
	}
	slices.SortStableFunc(spans, func(a, b *otlp.Span) int { return int(a.StartTimeUnixNano) - int(b.StartTimeUnixNano) })
	return spans
}

// tree prints spans below the one called parent.
func tree(spans []*otlp.Span, parent []byte, indent string) string {
	var b strings.Builder
	for _, span := range spans {
		if bytes.Equal(span.ParentSpanId, parent) {
			took := time.Duration(span.EndTimeUnixNano - span.StartTimeUnixNano).Round(100 * time.Microsecond)
			fmt.Fprintf(&b, "%s%s (%s, %d links)\n%s", indent, span.Name, took, len(span.Links), tree(spans, span.SpanId, indent+"  "))
		}
	}
	return b.String()
}

func TestOneTextIsOneTraceOverRetriesAndARestart(t *testing.T) {
	t.Parallel()
	const traceID, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const body = "canary of the traces"
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := newReceiver(t)
			rig := newRig(t, full, "PROSMS_RETRY_DELAYS=2s", "PROSMS_LOG_LEVEL=info",
				"OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "OTEL_BSP_SCHEDULE_DELAY=100").raced()
			first := rig.start()
			request, err := http.NewRequest("POST", first.url+"/v1/messages",
				strings.NewReader(`{"to":"`+sandbox.ToThrottled+`","body":"`+body+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+rig.key)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Traceparent", "00-"+traceID+"-"+caller+"-01")
			response, err := http.DefaultClient.Do(request)
			if err != nil || response.StatusCode != http.StatusAccepted {
				t.Fatalf("sending: %v, %v", response, err)
			}
			_ = response.Body.Close()
			id := strings.TrimPrefix(response.Header.Get("Location"), "/v1/messages/")
			eventually(t, 20*time.Second, "retrying", func() bool { return first.statusOf(id) == "retrying" })
			first.stop()
			second := rig.start()
			eventually(t, 30*time.Second, "delivered", func() bool { return second.statusOf(id) == "delivered" })
			second.stop()

			trace := spans.trace(traceID)
			from, _ := hex.DecodeString(caller)
			shown := tree(trace, from, "")
			t.Log("the trace\n" + shown)
			if printed := strings.Count(shown, "\n"); printed != len(trace) {
				t.Errorf("%d of %d spans hang together", printed, len(trace))
			}
			count := map[string]int{}
			for _, span := range trace {
				count[span.Name]++
			}
			if got, want := []int{count["POST /v1/messages"], count["send twilio"]}, []int{1, 3}; !slices.Equal(got, want) {
				t.Errorf("%d requests and sends, want %d", got, want)
			}
			for name, least := range map[string]int{ // an append that loses a race is made again
				"append message.accepted": 1, "publish sms.dispatch.normal": 1, "claim sms.dispatch.normal": 1, "append message.attempted": 3,
				"append message.failed": 2, "append message.dispatched": 1, "append message.delivered": 1,
				"publish sms.events": 1, "project sms.events.projections": 1,
			} {
				if count[name] < least {
					t.Errorf("%d spans %q, want %d or more", count[name], name, least)
				}
			}
			i := slices.IndexFunc(trace, func(s *otlp.Span) bool { return s.Name == "append message.delivered" })
			if i < 0 || len(trace[i].Links) != 1 {
				t.Error("the receipt does not lead to the request that brought it")
			} else if callback := spans.trace(hex.EncodeToString(trace[i].Links[0].TraceId)); !slices.ContainsFunc(callback, func(s *otlp.Span) bool {
				return s.Name == "POST /webhooks/twilio/status"
			}) {
				t.Error("the receipt leads to no webhook")
			}
			for _, secret := range []string{body, sandbox.ToThrottled[1:], sandbox.DefaultFrom[1:]} {
				if bytes.Contains(spans.raw.Bytes(), []byte(secret)) {
					t.Errorf("a span has %q", secret)
				}
			}
			if !strings.Contains(first.output.String(), "trace_id="+traceID) {
				t.Error("no line of the log names the trace")
			}
		})
	}
}
