package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// provider is a ports.Provider whose calls are spans of the text's trace.
type provider struct {
	ports.Provider
	tracing *Tracing
}

// Provider makes spans of the calls of p.
func (t *Tracing) Provider(p ports.Provider) ports.Provider {
	if t == nil {
		return p
	}
	return provider{p, t}
}

// Send implements ports.Provider.
func (p provider) Send(ctx context.Context, text ports.Text) ports.Outcome {
	ctx, span := p.call(ctx, "send ", text)
	defer span.End()
	outcome := p.Provider.Send(ctx, text)
	span.SetAttributes(keyClass.String(string(outcome.Class)))
	if outcome.HTTPStatus != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", outcome.HTTPStatus))
	}
	if outcome.Class != domain.ClassSent {
		span.SetStatus(codes.Error, string(outcome.Class))
	}
	return outcome
}

// Find implements ports.Provider.
func (p provider) Find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	ctx, span := p.call(ctx, "look up ", attempt.Text)
	found, err := p.Provider.Find(ctx, attempt)
	span.SetAttributes(attribute.Bool("prosms.found", found.ProviderMessageID != ""))
	if errors.Is(err, ports.ErrNoLookup) {
		end(span, nil)
	} else {
		end(span, err)
	}
	return found, err
}

func (p provider) call(ctx context.Context, what string, text ports.Text) (context.Context, trace.Span) {
	return p.tracing.span(ctx, what+p.Name(), trace.SpanKindClient, []string{text.TraceParent},
		keyMessage.String(text.MessageID), keyAttempt.Int(text.Attempt), keyProvider.String(p.Name()))
}
