package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// sandboxOptions are what a demo wants of the sandbox beyond its defaults.
type sandboxOptions struct {
	url   string // of one that runs elsewhere; "": one in this process
	token string // "": a new one
}

// providers are the providers with what their callbacks need.
type providers struct {
	commands.Providers
	accounts  []account                                                        // with Twilio
	callbacks map[string]api.Callback                                          // of the others, by name
	phone     string                                                           // URL of the sandbox's phone page
	rotation  *rotation                                                        // of their secrets
	compare   func(func(context.Context) (sandbox.Records, error))             // lets that page count what was lost; nil: it is elsewhere
	bare      []ports.Provider                                                 // all of them, with nothing around
	redacters map[string]func(context.Context, string, string) ports.Redaction // by name
	close     func() error
}

// show tells people what the provider of a name is asked for an attempt; empty where
// it cannot be told.
func (p providers) show(name string, text ports.Text, at time.Time) string {
	for _, provider := range p.bare {
		if provider.Name() == name {
			return shownBy(provider, text, at)
		}
	}
	return ""
}

func shownBy(p ports.Provider, text ports.Text, at time.Time) string {
	if p, ok := p.(interface {
		Show(ports.Text, time.Time) string
	}); ok {
		return p.Show(text, at)
	}
	return ""
}

// explain says what a code of the provider of a name means; empty where it is not known.
func (p providers) explain(name, code string) string {
	for _, provider := range p.bare {
		if provider.Name() == name {
			return explainedBy(provider, code)
		}
	}
	return ""
}

func explainedBy(p ports.Provider, code string) string {
	if p, ok := p.(interface{ Explain(code string) string }); ok {
		return p.Explain(code)
	}
	return ""
}

// sandboxName is the name of the provider that serves the texts of test keys.
const sandboxName = "sandbox"

// providerNames are the names of the providers that c configures.
func providerNames(c Config) []string {
	names := []string{sandboxName}
	for _, p := range c.Providers {
		names = append(names, p.Name)
	}
	return names
}

// through returns p with each provider within what wrap makes of it.
func (p providers) through(wrap func(ports.Provider) ports.Provider) providers {
	wrapped := map[string]ports.Provider{} // by name: Live is one of the others
	once := func(provider ports.Provider) ports.Provider {
		name := provider.Name()
		if wrapped[name] == nil {
			wrapped[name] = wrap(provider)
		}
		return wrapped[name]
	}
	p.Live, p.Test, p.All = once(p.Live), once(p.Test), slices.Clone(p.All)
	for i, provider := range p.All {
		p.All[i] = once(provider)
	}
	return p
}

// account is who may call back, and under which public URL.
type account struct {
	publicURL string
	holds     func(verify func(token string) bool) bool // for one of its tokens
}

// verify reports whether a callback to uri (path and query) bears the signature of
// one of our accounts.
func (p providers) verify(uri string, body []byte, signature string) bool {
	for _, a := range p.accounts {
		if a.holds(func(token string) bool {
			return twilio.VerifySignature([]string{token}, a.publicURL+uri, body, signature)
		}) {
			return true
		}
	}
	return false
}

// newProviders starts the sandbox, which serves the texts of test keys, and also
// all others as long as no provider is configured. It calls back at localURL, or
// where that is empty, this instance having no API, at the public URL.
func newProviders(c Config, options sandboxOptions, localURL string, log *slog.Logger) (providers, error) {
	if options.token == "" {
		options.token = rand.Text()
	}
	callbackURL := cmp.Or(localURL, c.PublicURL)
	signs := func(verify func(string) bool) bool { return verify(options.token) }
	p := providers{phone: options.url, accounts: []account{{localURL, signs}, {c.PublicURL, signs}}, close: func() error { return nil }}
	if options.url == "" {
		if err := p.serveSandbox(options.token, callbackURL, log); err != nil {
			return providers{}, err
		}
	}
	test, err := twilio.New(twilio.Config{
		Name: sandboxName, AccountSID: sandbox.DefaultAccountSID, AuthToken: ports.Secret(options.token), From: sandbox.DefaultFrom,
		BaseURL: p.phone, PublicURL: callbackURL, Timeout: c.ProviderTimeout, Concurrency: c.Concurrency,
	})
	if err != nil {
		return providers{}, errors.Join(err, p.close())
	}
	p.Test, p.bare = test, []ports.Provider{test}
	p.redacts(sandboxName, test)
	if len(c.Providers) == 0 {
		if options.url == "" { // else it is what somebody wants
			log.Warn("no provider is configured: texts go to the sandbox and reach nobody", "phone", p.phone)
		}
		p.Live = p.Test
		return p, nil
	}
	if err := p.add(c, log); err != nil {
		return providers{}, errors.Join(err, p.close())
	}
	if c.PublicURL == "" {
		log.Warn("PROSMS_PUBLIC_URL is not set: providers cannot report what became of the texts")
	}
	return p, nil
}

// serveSandbox starts a sandbox on a free port of the loopback, which close ends.
func (p *providers) serveSandbox(token, callbackURL string, log *slog.Logger) error {
	config := sandbox.Config{AuthToken: token}
	if callbackURL != "" {
		config.InboundURL = callbackURL + "/webhooks/twilio/inbound"
	}
	fake, err := sandbox.New(config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(fmt.Errorf("listening for the sandbox: %w", err), fake.Close())
	}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serveHTTP(serving, listener, fake.Handler(), log) }()
	p.phone, p.compare = "http://"+listener.Addr().String(), fake.Compare
	p.close = func() error {
		err := fake.Close() // first, since it ends the calls that hang
		stop()
		return errors.Join(<-served, err)
	}
	return nil
}

// add opens the providers of the configuration, with the routes to them.
func (p *providers) add(c Config, log *slog.Logger) error {
	p.rotation = &rotation{reread: c.reread, open: c.open, every: c.SecretsEvery, wrong: make(chan struct{}, 1), log: log}
	p.Routes = c.Routes
	var err error
	if p.Owners, err = c.owners(); err != nil {
		return err
	}
	p.callbacks = map[string]api.Callback{}
	for _, config := range c.Providers {
		provider, err := p.rotation.add(config)
		if err != nil {
			return err
		}
		p.All, p.bare = append(p.All, provider), append(p.bare, provider)
		switch {
		case config.Twilio != nil:
			p.redacts(config.Name, provider)
			p.accounts = append(p.accounts, account{c.PublicURL, func(verify func(string) bool) bool {
				return provider.verified(func(p ProviderConfig) bool { return verify(string(p.Twilio.AuthToken)) })
			}})
		case config.HTTP.Callback != nil:
			callback := config.HTTP.Callback
			p.callbacks[config.Name] = api.Callback{Header: callback.SignatureHeader(), Verify: provider.callback, Parse: callback.Parse}
		}
	}
	p.Live = p.All[0]
	return nil
}

// owners are the providers that alone send texts from a sender.
func (c *Config) owners() (map[events.Personal][]string, error) {
	owners := map[events.Personal][]string{}
	for _, config := range c.Providers {
		for _, raw := range config.Senders {
			sender, err := phone.ParseSender(raw)
			if err != nil {
				return nil, fmt.Errorf("reading senders of %s: %w", config.Name, err)
			}
			owners[events.Personal(sender)] = append(owners[events.Personal(sender)], config.Name)
		}
	}
	return owners, nil
}

// open returns a provider of the configuration. It makes no connection.
func (c *Config) open(p ProviderConfig) (ports.Provider, error) {
	concurrency := cmp.Or(p.Concurrency, c.Concurrency)
	if p.Twilio != nil {
		return twilio.New(twilio.Config{
			Name: p.Name, AccountSID: p.Twilio.AccountSID, AuthToken: p.Twilio.AuthToken,
			From: p.From, MessagingServiceSID: p.Twilio.Service,
			BaseURL: p.Twilio.BaseURL, PublicURL: c.PublicURL, Timeout: c.ProviderTimeout, Concurrency: concurrency,
		})
	}
	return httpprovider.New(httpprovider.Config{
		Name: p.Name, From: p.From,
		Request: p.HTTP.Request, Auth: p.HTTP.Auth, Response: p.HTTP.Response, Lookup: p.HTTP.Lookup, Callback: p.HTTP.Callback,
		PublicURL: c.PublicURL, Timeout: c.ProviderTimeout, Concurrency: concurrency,
	})
}
