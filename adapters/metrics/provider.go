package metrics

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// provider is a ports.Provider whose calls are counted.
type provider struct {
	ports.Provider
	metrics *Metrics
}

// Provider counts the calls of p. Success is what p took for certain; a doubt that
// turns out to be sent afterwards stays the fail that it was at the time, and has
// no latency.
func (m *Metrics) Provider(p ports.Provider) ports.Provider {
	for _, result := range []string{"success", "fail"} {
		m.dispatches.WithLabelValues(p.Name(), result)
	}
	return provider{p, m}
}

// Send implements ports.Provider.
func (p provider) Send(ctx context.Context, text ports.Text) ports.Outcome {
	outcome := p.Provider.Send(ctx, text)
	if outcome.Class != domain.ClassSent {
		p.metrics.dispatches.WithLabelValues(p.Name(), "fail").Inc()
		return outcome
	}
	p.metrics.dispatches.WithLabelValues(p.Name(), "success").Inc()
	// The store's clock may be ahead of ours.
	took := max(0, time.Since(text.Since).Seconds())
	observe(p.metrics.latency.WithLabelValues(string(text.Lane)), took, p.metrics.traceIn(text.TraceParent))
	return outcome
}
