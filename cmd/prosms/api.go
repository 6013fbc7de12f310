package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/adapters/tracing"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

func newAPI(c Config, handler *commands.Handler, queries projections.Queries, uses ports.KeyUses, limits limits, ps providers, checks []api.Check, log *slog.Logger) *api.Server {
	return &api.Server{
		Commands: handler, Queries: queries, KeyUses: uses, SharedKeys: limits.keys, PublicURL: c.PublicURL,
		Limiter: limits.Limiter, RatePerKey: c.RatePerKey, RatePerTenant: c.RatePerTenant, RatePerIP: c.RatePerIP, TrustedProxies: c.TrustedProxies,
		Twilio: api.Twilio{
			Verify: func(url string, body []byte, signature string) bool {
				return ps.verify(strings.TrimPrefix(url, strings.TrimSuffix(c.PublicURL, "/")), body, signature)
			},
			ParseStatus: twilio.ParseStatus,
			ParseInbound: func(body []byte) (commands.Inbound, error) {
				in, err := twilio.ParseInbound(body)
				answered := in.Answered && len(c.Providers) > 0 // the sandbox answers nothing
				return commands.Inbound{Text: in.Text, Provider: "twilio", OptOutType: in.OptOutType, Answered: answered}, err
			},
		},
		Callbacks: ps.callbacks,
		Checks:    checks, Log: log,
	}
}

// newChecks lists what /readyz asks. There is no serving only without the store, and
// once serving has ended, a little before it does. A store that answers and takes no
// appends, as its disk is full, is read from: no balancer has a better one, and what
// shows that it is mended is an append. The runner is nil in an instance that keeps no
// views.
func newChecks(serving context.Context, st stores, b bus, limits limits, runner *projections.Runner, commits *commands.GroupCommit, foreign *commands.Foreign, unreadable *commands.Unreadables) []api.Check {
	checks := []api.Check{
		{Name: "running", Required: true, Func: func(context.Context) error {
			if serving.Err() != nil {
				return api.ErrShuttingDown
			}
			return nil
		}},
		{Name: "store", Required: true, Func: st.ping},
		{Name: "appends", Func: func(context.Context) error { return commits.Failing() }},
	}
	if b.ping != nil {
		checks = append(checks, api.Check{Name: "broker", Func: b.ping})
		checks = append(checks, api.Check{Name: "queues", Func: func(context.Context) error { return foreign.Err() }})
	}
	if limits.ping != nil {
		checks = append(checks, api.Check{Name: "cache", Func: limits.ping})
	}
	if runner != nil {
		checks = append(checks, api.Check{Name: "projections", Func: func(context.Context) error { return runner.Standstill() }})
	}
	return append(checks, api.Check{Name: "log", Func: func(context.Context) error { return unreadable.Err() }})
}

// newAdmin serves operators, on a listener that must not be public.
func newAdmin(metrics, flight http.Handler, checks []api.Check, log *slog.Logger) http.Handler {
	return api.AdminHandler(metrics, flight, checks, log)
}

// newFlightRecorder starts recording, if that is wanted. There is one to a process: a
// second serve in the same one, as in tests, has none.
func newFlightRecorder(c Config, log *slog.Logger) *api.FlightRecorder {
	flight := &api.FlightRecorder{}
	if !c.FlightRecorder {
		return flight
	}
	if err := flight.Start(); err != nil {
		log.Warn("no flight recorder", "error", err)
	}
	return flight
}

// observed tells metrics and traces of a request.
func observed(m *metrics.Metrics, t *tracing.Tracing) func(context.Context, api.Exchange) {
	return func(ctx context.Context, e api.Exchange) {
		m.Request(ctx, e.Method, e.Route, e.Status, e.Duration)
		t.Request(ctx, e.Method, e.Route, e.Status)
	}
}
