package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/adapters/tracing"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Two texts: the traceparents of the requests that they came with.
const (
	traceA = "0af7651916cd43dd8448eb211c80319c"
	traceB = "4bf92f3577b34da6a3ce929d0e0e4736"
	fromA  = "00-" + traceA + "-b7ad6b7169203331-01"
	fromB  = "00-" + traceB + "-00f067aa0ba902b7-01"
	notOur = "00-11111111111111111111111111111111-2222222222222222-00" // not sampled
)

func newTracing() (*tracing.Tracing, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	return tracing.New(sdk.WithSyncer(spans)), spans
}

func write(stream, traceParent string) ports.Write {
	return ports.Write{
		StreamID: stream, Events: []events.Event{events.MessageAccepted{To: "+14155552671", Body: "hello"}},
		Meta: events.Meta{TraceParent: traceParent},
	}
}

func appendTo(t *testing.T, ctx context.Context, traced *tracing.Tracing, writes ...ports.Write) {
	t.Helper()
	if _, err := traced.EventStore(&memory.EventStore{}).Append(ctx, writes...); err != nil {
		t.Fatal(err)
	}
}

func TestAnAppendAboutOneTextIsPartOfItsTrace(t *testing.T) {
	traced, spans := newTracing()
	appendTo(t, t.Context(), traced, write("msg_1", fromA))
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "append message.accepted" || got[0].SpanContext.TraceID().String() != traceA || got[0].Parent.SpanID().String() != fromA[36:52] {
		t.Errorf("got %+v, want one span below the request of the text", got)
	}
}

func TestAnAppendAboutSeveralTextsIsLinkedToTheirTraces(t *testing.T) {
	traced, spans := newTracing()
	appendTo(t, t.Context(), traced, write("msg_1", fromA), write("msg_2", fromB), write("msg_3", fromB), write("msg_4", notOur))
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Parent.IsValid() || len(got[0].Links) != 2 {
		t.Fatalf("got %+v, want one span of its own with two links", got)
	}
	if a, b := got[0].Links[0].SpanContext.TraceID().String(), got[0].Links[1].SpanContext.TraceID().String(); a != traceA || b != traceB {
		t.Errorf("linked to %s and %s", a, b)
	}
}

func TestWhatNobodyTracesMakesNoSpan(t *testing.T) {
	traced, spans := newTracing()
	appendTo(t, t.Context(), traced, write("msg_1", ""), write("msg_2", notOur), write("msg_3", "nonsense"))
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("got %d spans, want none", len(got))
	}
}

// published is a ports.Bus that keeps what was published.
type published struct {
	ports.Bus
	messages []*message.Message
}

func (p *published) Publish(_ string, messages ...*message.Message) error {
	p.messages = append(p.messages, messages...)
	return nil
}

func TestTheContextTravelsFromTheLogOverTheBusToTheConsumer(t *testing.T) {
	traced, spans := newTracing()
	bus := &published{}
	relay := traced.Relay(func(msg *message.Message) error {
		out := message.NewMessage("1", nil)
		out.SetContext(msg.Context())
		return traced.Bus(bus).Publish("sms.dispatch.high", out)
	})
	recorded, err := events.Prepare("msg_1", 1, events.MessageAccepted{Lane: "high"}, events.Meta{TraceParent: fromA})
	if err != nil {
		t.Fatal(err)
	}
	recorded.Position = 1
	frame, err := json.Marshal(ports.EventFrame{First: 1, Last: 1, Events: []events.Recorded{recorded}})
	if err != nil {
		t.Fatal(err)
	}
	if err := relay(message.NewMessage("frame", frame)); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	err = traced.Consumer("claim", func(msg *message.Message) error {
		appendTo(t, msg.Context(), traced, write("msg_1", fromA))
		return gone
	})(message.NewMessageWithContext(t.Context(), "1", nil))
	if !errors.Is(err, gone) {
		t.Errorf("a message without context: %v, want the handler's error", err)
	}
	spans.Reset()
	if err := relay(message.NewMessage("frame", frame)); err != nil {
		t.Fatal(err)
	}
	if err := traced.Consumer("claim", func(msg *message.Message) error {
		appendTo(t, msg.Context(), traced, write("msg_1", fromA))
		return gone
	})(bus.messages[1]); !errors.Is(err, gone) {
		t.Errorf("Consumer = %v, want the handler's error", err)
	}
	got := spans.GetSpans().Snapshots()
	var names []string
	for i, span := range got {
		names = append(names, span.Name())
		if span.SpanContext().TraceID().String() != traceA {
			t.Errorf("%s is in another trace", span.Name())
		}
		if i > 0 && span.Name() == "claim" && span.Parent().SpanID() != got[0].SpanContext().SpanID() {
			t.Error("the claim does not follow from the publishing")
		}
	}
	if want := "publish sms.dispatch.high, append message.accepted, claim"; strings.Join(names, ", ") != want {
		t.Errorf("spans %v, want %s", names, want)
	}
}

// provider is a ports.Provider with one answer.
type provider struct {
	ports.Provider
	outcome ports.Outcome
}

func (provider) Name() string { return "acme" }

func (p provider) Send(context.Context, ports.Text) ports.Outcome { return p.outcome }

func (provider) Find(context.Context, ports.Lookup) (ports.Found, error) {
	return ports.Found{}, errors.New("no list for +14155552671")
}

func TestSpansOfAProviderSayWhatBecameOfATextAndNotWhose(t *testing.T) {
	traced, spans := newTracing()
	p := traced.Provider(provider{outcome: ports.Outcome{Class: domain.ClassThrottled, HTTPStatus: 429, Detail: "to +14155552671"}})
	text := ports.Text{MessageID: "msg_1", Attempt: 2, To: "+14155552671", Body: "hello", TraceParent: fromA}
	p.Send(t.Context(), text)
	if _, err := p.Find(t.Context(), ports.Lookup{Text: text}); err == nil {
		t.Error("Find has lost its error")
	}
	got := spans.GetSpans()
	if len(got) != 2 || got[0].Name != "send acme" || got[1].Name != "look up acme" || got[0].SpanContext.TraceID().String() != traceA {
		t.Fatalf("got %+v, want a send and a look-up in the trace of the text", got)
	}
	shown, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"throttled", "429", "msg_1"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the spans lack %s", want)
		}
	}
	if strings.Contains(string(shown), "4155552671") || strings.Contains(string(shown), "hello") {
		t.Errorf("the spans name somebody: %s", shown)
	}
}

func TestARequestIsASpanWhoseContextTheEventsGet(t *testing.T) {
	traced, spans := newTracing()
	var seen string
	handler := traced.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Traceparent")
		traced.Request(r.Context(), "GET", "/v1/messages/{id}", 503)
	}))
	for _, path := range []string{"/v1/messages/msg_1?to=%2B14155552671", "/livez"} {
		request := httptest.NewRequest("GET", path, nil)
		request.Header.Set("Traceparent", fromB)
		handler.ServeHTTP(httptest.NewRecorder(), request)
		if path == "/livez" {
			continue
		}
		if got := request.Header.Get("Traceparent"); got != fromB {
			t.Errorf("the caller's request now says %s", got)
		}
		if got := spans.GetSpans(); len(got) != 1 || seen != "00-"+traceB+"-"+got[0].SpanContext.SpanID().String()+"-01" {
			t.Errorf("the handler saw %s, want that of the span", seen)
		}
	}
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "GET /v1/messages/{id}" || got[0].Parent.TraceID().String() != traceB {
		t.Errorf("got %+v, want one span below the caller's", got)
	}
	if shown, _ := json.Marshal(got); strings.Contains(string(shown), "4155552671") {
		t.Error("the span names somebody")
	}
}

func TestLogLinesWithinASpanNameTheTrace(t *testing.T) {
	traced, _ := newTracing()
	var lines bytes.Buffer
	log := slog.New(traced.LogHandler(slog.NewTextHandler(&lines, nil))).With("a", 1)
	traced.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "within")
	})).ServeHTTP(httptest.NewRecorder(), func() *http.Request {
		request := httptest.NewRequest("GET", "/v1/messages", nil)
		request.Header.Set("Traceparent", fromA)
		return request
	}())
	log.Info("outside")
	if got := lines.String(); strings.Count(got, "trace_id="+traceA) != 1 || !strings.Contains(got, "a=1") {
		t.Errorf("logged %s", got)
	}
}

func TestNoTracingReturnsWhatItIsGiven(t *testing.T) {
	var none *tracing.Tracing
	store, bus := &memory.EventStore{}, &published{}
	if none.EventStore(store) != ports.EventStore(store) || none.Bus(bus) != ports.Bus(bus) || none.Provider(provider{}) != ports.Provider(provider{}) {
		t.Error("something is wrapped")
	}
	if none.Close(t.Context()) != nil || none.Handler(nil) != nil || none.Relay(nil) != nil || none.Consumer("", nil) != nil || none.LogHandler(nil) != nil {
		t.Error("something is made")
	}
	none.Request(t.Context(), "GET", "/", 200)
}

func TestAPostToAWebhookIsPartOfItsTextsTrace(t *testing.T) {
	traced, spans := newTracing()
	answer := traced.Post(func(context.Context, commands.WebhookPost) commands.WebhookAnswer {
		return commands.WebhookAnswer{HTTPStatus: 500, Fault: "http_500"}
	})(t.Context(), commands.WebhookPost{URL: "https://example.com/secret-path", Message: "msg_1", TraceParent: fromA})
	got := spans.GetSpans()
	if answer.HTTPStatus != 500 || len(got) != 1 || got[0].Name != "post webhook" || got[0].SpanContext.TraceID().String() != traceA {
		t.Fatalf("%+v, %+v", answer, got)
	}
	if shown := fmt.Sprint(got[0].Attributes, got[0].Status); strings.Contains(shown, "example.com") || !strings.Contains(shown, "http_500") {
		t.Errorf("the span says %s", shown)
	}
}
