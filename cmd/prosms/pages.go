package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/oidc"
	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/web"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// pages are the admin pages.
type pages struct {
	handler http.Handler
	stop    func()
	token   string // lets the first operator in
}

func newPages(c Config, o options, handler *commands.Handler, queries projections.Queries, limits ports.Limiter, st stores, b bus, ps providers, checks []api.Check, webhooks *commands.Webhooks, identities *oidc.Client, apiURL string) (pages, error) {
	p := pages{token: rand.Text()}
	ui := web.UI{
		Commands: handler, Oversight: projections.Oversight{Queries: queries}, Limiter: limits,
		SetupToken: p.token, Demo: o.demo, Webhooks: webhooks,
		Depth: func(ctx context.Context, lane domain.Lane) (int, error) {
			return b.Depth(ctx, ports.DispatchTopic(lane))
		},
		URL: c.AdminURL, NoPasswords: !c.PasswordSignIn,
		Settings: c.shown, APIURL: apiURL, PhoneURL: ps.phone, Log: o.log,
		KeyUses: st.keyUses, Migrations: st.migrations, Examine: examiner(c), Request: ps.show, Meaning: ps.explain,
		RelayLag: func(ctx context.Context) (int64, error) {
			lag, err := relayLag(ctx, queries.Store, st, b.relayGroups())
			return int64(lag[""]), err
		},
	}
	ui.Next = func(id string, m domain.Message) (names []string) {
		for _, provider := range ps.For(id, m) {
			names = append(names, provider.Name())
		}
		return names
	}
	if identities != nil {
		ui.Identities = identities
	}
	for _, projection := range newProjections(handler.Lookup) {
		ui.Projections = append(ui.Projections, projection.Name)
	}
	for _, check := range checks {
		ui.Checks = append(ui.Checks, web.Check{Name: check.Name, Func: check.Func})
	}
	for _, name := range providerNames(c) {
		purpose := "sends the texts of live keys"
		switch {
		case name == sandboxName && len(c.Providers) == 0:
			purpose = "takes all texts; nothing reaches a real phone"
		case name == sandboxName:
			purpose = "takes the texts of test keys"
		}
		ui.Providers = append(ui.Providers, shownProvider(c, name, purpose))
	}
	version, revision := build()
	ui.About = []web.Fact{
		{Name: "Version", Value: version}, {Name: "Revision", Value: revision}, {Name: "Go", Value: runtime.Version()},
		{Name: "Started", Value: time.Now().UTC().Format("2006-01-02 15:04:05 UTC")}, {Name: "Event store", Value: st.kind}, {Name: "Roles", Value: strings.Join(o.roles, ", ")},
		{Name: "Bus", Value: which(c.RabbitMQURL != "", "RabbitMQ", "in this process")},
		{Name: "Limits", Value: which(c.RedisURL != "", "Redis", "in this process")},
	}
	ui.About = append(ui.About, c.tenantFacts()...)
	var err error
	p.handler, p.stop, err = ui.Handler()
	return p, err
}

// examiner has the doctor look at the installation, as the command does.
func examiner(c Config) func(context.Context) []web.Finding {
	if len(c.Providers) == 0 {
		c.PublicURL = "" // serve has put that of the sandbox's callbacks there
	}
	return func(ctx context.Context) []web.Finding {
		var found findings
		found.examine(ctx, c, slog.New(slog.DiscardHandler))
		shown := make([]web.Finding, len(found))
		for i, f := range found {
			shown[i] = web.Finding(f)
		}
		return shown
	}
}

// shownProvider is a provider with what reaches it, and how fast.
func shownProvider(c Config, name, purpose string) web.Provider {
	p := web.Provider{Name: name, Purpose: purpose, PerSecond: c.ProviderPerSecond, InFlight: c.Concurrency}
	for _, configured := range c.Providers {
		if configured.Name == name {
			p.PerSecond, p.InFlight = cmp.Or(configured.MPS, p.PerSecond), cmp.Or(configured.Concurrency, p.InFlight)
		}
	}
	for _, route := range c.Routes {
		if route.Provider == name {
			p.Routes = append(p.Routes, route)
		}
	}
	return p
}

func which(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

// beside serves what machines ask the admin listener for as it was, and the pages
// on every other path.
func (p pages) beside(machines http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/metrics", "/livez", "/readyz", "/debug/"} {
		mux.Handle(path, machines)
	}
	mux.Handle("/", p.handler)
	return mux
}

// recordsBy reads what we say of all texts.
func recordsBy(queries projections.Queries) func(context.Context) (sandbox.Records, error) {
	return func(ctx context.Context) (sandbox.Records, error) {
		counts, err := queries.CountByStatus(ctx)
		return recordsOf(counts), err
	}
}

// recordsOf sums texts up that are counted by status.
func recordsOf(counts map[string]int64) sandbox.Records {
	var r sandbox.Records
	for status, n := range counts {
		r.Accepted += n
		switch domain.Status(status) {
		case domain.Scheduled, domain.Accepted, domain.Dispatching, domain.Retrying, domain.InDoubt:
			r.Open += n
		case domain.Dispatched, domain.Delivered, domain.Undelivered:
			r.Sent += n
		}
	}
	return r
}

// announce logs the way in as long as there is no operator.
func (p pages) announce(ctx context.Context, handler *commands.Handler, adminURL string, log *slog.Logger) error {
	operators, err := handler.Operators(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil: // nothing to stop for: the link stays good
		log.Warn("asking for the operators of the admin pages", "error", err)
	case len(operators.ByName) == 0:
		log.Warn("there is no operator of the admin pages yet: this link makes the first one, once", "url", p.link(adminURL))
	}
	return nil
}

func (p pages) link(adminURL string) string {
	return adminURL + "/join?token=" + url.QueryEscape(p.token)
}

// shownAs is a setting's value as anybody may see it: what may be a secret is a
// reference, an address without its password, or stars.
func shownAs(s setting, given string) string {
	if !s.secret || given == "" || strings.HasPrefix(given, "env:") || strings.HasPrefix(given, "file:") {
		return given
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "sqlite" || u.Opaque != "" {
		return "****"
	}
	if u.RawQuery != "" {
		u.RawQuery = "****" // a driver may take a password there
	}
	if _, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
	}
	u.Fragment = ""
	return u.String()
}

// build returns what the build knows of itself.
func build() (version, revision string) {
	version, revision = "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return version, revision
}
