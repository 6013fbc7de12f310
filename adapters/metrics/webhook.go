package metrics

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// Poster makes one attempt at a webhook.
type Poster = func(context.Context, commands.WebhookPost) commands.WebhookAnswer

// Post measures each attempt at a customer's webhook.
func (m *Metrics) Post(post Poster) Poster {
	return func(ctx context.Context, p commands.WebhookPost) commands.WebhookAnswer {
		began := time.Now()
		answer := post(ctx, p)
		result := "fail"
		if answer.Delivered {
			result = "success"
		}
		observe(m.posts.WithLabelValues(result), time.Since(began).Seconds(), m.traceIn(p.TraceParent))
		return answer
	}
}
