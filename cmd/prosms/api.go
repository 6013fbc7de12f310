package main

import (
	"log/slog"
	"net/http"
	"strings"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

func newAPI(c Config, handler *commands.Handler, queries projections.Queries, limits limits, ps providers, checks []api.Check, log *slog.Logger) *api.Server {
	return &api.Server{
		Commands: handler, Queries: queries, PublicURL: c.PublicURL,
		Limiter: limits.Limiter, RatePerKey: c.RatePerKey, RatePerIP: c.RatePerIP,
		Twilio: api.Twilio{
			Verify: func(url string, body []byte, signature string) bool {
				return ps.verify(strings.TrimPrefix(url, strings.TrimSuffix(c.PublicURL, "/")), body, signature)
			},
			ParseStatus: twilio.ParseStatus,
			ParseInbound: func(body []byte) (events.InboundReceived, string, error) {
				in, err := twilio.ParseInbound(body)
				return in.Text, in.OptOutType, err
			},
		},
		Callbacks: ps.callbacks,
		Checks:    checks, Log: log,
	}
}

// newChecks lists what /readyz asks. Only without the store is there no serving.
func newChecks(st stores, b bus, limits limits) []api.Check {
	checks := []api.Check{{Name: "store", Required: true, Func: st.ping}}
	if b.ping != nil {
		checks = append(checks, api.Check{Name: "broker", Func: b.ping})
	}
	if limits.ping != nil {
		checks = append(checks, api.Check{Name: "cache", Func: limits.ping})
	}
	return checks
}

// newAdmin serves operators, on a listener that must not be public.
func newAdmin(checks []api.Check, log *slog.Logger) http.Handler {
	metrics := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not_available: metrics are not built yet", http.StatusNotImplemented)
	}
	return api.AdminHandler(http.HandlerFunc(metrics), checks, log)
}
