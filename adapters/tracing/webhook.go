package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/pro-sms/prosms/commands"
)

// Post makes a span of each attempt at a customer's webhook, in the trace of the
// text that it tells of.
func (t *Tracing) Post(post Poster) Poster {
	if t == nil {
		return post
	}
	return func(ctx context.Context, p commands.WebhookPost) commands.WebhookAnswer {
		ctx, span := t.span(ctx, "post webhook", trace.SpanKindClient, []string{p.TraceParent}, keyMessage.String(p.Message))
		defer span.End()
		answer := post(ctx, p)
		if answer.HTTPStatus != 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", answer.HTTPStatus))
		}
		if !answer.Delivered {
			span.SetStatus(codes.Error, answer.Fault)
		}
		return answer
	}
}

// Poster makes one attempt at a webhook.
type Poster = func(context.Context, commands.WebhookPost) commands.WebhookAnswer
