package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
)

// sandboxOptions are what a demo wants of the sandbox beyond its defaults.
type sandboxOptions struct {
	addr          string // "": any free port of the loopback
	token         string // "": a new one
	ledger        string
	callbackDelay time.Duration
}

// providers are the providers with what their callbacks need.
type providers struct {
	commands.Providers
	accounts []account
	phone    string // URL of the sandbox's phone page
	close    func() error
}

// through returns p with each provider within what wrap makes of it.
func (p providers) through(wrap func(ports.Provider) ports.Provider) providers {
	live, test := p.Live, p.Test
	p.Test = wrap(test)
	if p.Live = p.Test; live != test {
		p.Live = wrap(live)
	}
	return p
}

// breakers returns the state of each provider's breaker. There is none yet, and so
// every provider is called at all times, as one with a closed breaker is.
func (p providers) breakers() map[string]float64 {
	return map[string]float64{p.Live.Name(): 0, p.Test.Name(): 0}
}

// account is who may call back, and under which public URL.
type account struct{ publicURL, token string }

// verify reports whether a callback to uri (path and query) bears the signature of
// one of our accounts.
func (p providers) verify(uri string, body []byte, signature string) bool {
	for _, a := range p.accounts {
		if twilio.VerifySignature([]string{a.token}, a.publicURL+uri, body, signature) {
			return true
		}
	}
	return false
}

// newProviders starts the sandbox, which serves the texts of test keys, and also
// all others as long as no provider is configured.
func newProviders(c Config, options sandboxOptions, localURL string, log *slog.Logger) (providers, error) {
	if options.token == "" {
		options.token = rand.Text()
	}
	fake, err := sandbox.New(sandbox.Config{
		AuthToken: options.token, LedgerPath: options.ledger, CallbackDelay: options.callbackDelay,
	})
	if err != nil {
		return providers{}, err
	}
	addr := options.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return providers{}, errors.Join(fmt.Errorf("listening for the sandbox: %w", err), fake.Close())
	}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serveHTTP(serving, listener, fake.Handler()) }()
	url := "http://" + listener.Addr().String()
	p := providers{phone: url, accounts: []account{{localURL, options.token}}}
	p.close = func() error {
		err := fake.Close() // first, since it ends the calls that hang
		stop()
		return errors.Join(<-served, err)
	}
	p.Test, err = twilio.New(twilio.Config{
		Name: "sandbox", AccountSID: sandbox.DefaultAccountSID, AuthToken: twilio.Secret(options.token), From: sandbox.DefaultFrom,
		BaseURL: url, PublicURL: localURL, Timeout: c.ProviderTimeout, Concurrency: c.Concurrency,
	})
	if err != nil {
		return providers{}, errors.Join(err, p.close())
	}
	if c.TwilioAccountSID == "" {
		log.Warn("no provider is configured: texts go to the sandbox and reach nobody", "phone", url)
		p.Live = p.Test
		return p, nil
	}
	p.Live, err = twilio.New(twilio.Config{
		AccountSID: c.TwilioAccountSID, AuthToken: twilio.Secret(c.TwilioAuthToken),
		From: c.TwilioFrom, MessagingServiceSID: c.TwilioService,
		BaseURL: c.TwilioBaseURL, PublicURL: c.PublicURL, Timeout: c.ProviderTimeout, Concurrency: c.Concurrency,
	})
	if err != nil {
		return providers{}, errors.Join(err, p.close())
	}
	if c.PublicURL == "" {
		log.Warn("PROSMS_PUBLIC_URL is not set: Twilio cannot report what became of the texts")
	}
	p.accounts = append(p.accounts, account{c.PublicURL, string(c.TwilioAuthToken)})
	return p, nil
}
