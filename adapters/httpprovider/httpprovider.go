// Package httpprovider sends texts through any provider with an HTTP API: what is
// asked, how the answer reads, how doubts are looked up and what is called back
// with stand in the configuration.
package httpprovider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Defaults of Config.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 128
)

// Config describes a provider. What has tags is read from PROSMS_CONFIG.
type Config struct {
	Name string // in the configuration, in events, and in the URL of callbacks
	From string // the sender of texts that name none

	Request  Request   // sends a text
	Auth     Auth      // of both requests
	Response Response  // to Request
	Lookup   *Lookup   // nil: doubts cannot be looked up
	Callback *Callback // nil: no receipts

	PublicURL   string        // where the provider reaches us; "" asks for no callbacks
	Timeout     time.Duration // of one call, all of it; 0 means 30s
	Concurrency int           // calls in flight, each on a connection of its own; 0 means 128

	Proxy func(*http.Request) (*url.URL, error) // nil means none
	Now   func() time.Time                      // nil means time.Now
}

// Provider sends texts by a configured API. It is safe for concurrent use.
type Provider struct {
	config Config
	client *http.Client
}

var _ ports.Provider = (*Provider)(nil)

// name is what a provider may be called: it stands in URLs, metrics and events.
var name = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// New returns a provider. Its error names every fault of c and quotes no value.
func New(c Config) (*Provider, error) {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuring provider %s: %w", c.Name, err)
	}
	client := httpcall.NewClient(httpcall.ClientConfig{Timeout: c.Timeout, Concurrency: c.Concurrency, Proxy: c.Proxy})
	return &Provider{config: c, client: client}, nil
}

// Name returns the name under which events know this provider.
func (p *Provider) Name() string { return p.config.Name }

// Close gives up idle connections; calls in flight go on.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// Status implements what is asked of texts whose receipt is missing: not here.
func (p *Provider) Status(context.Context, string) (domain.Receipt, error) {
	return domain.Receipt{}, fmt.Errorf("asking %s for the status of a text: %w", p.config.Name, ports.ErrNoLookup)
}

// check returns all faults of c.
func (c Config) check() error {
	faults := []error{c.Request.checkSend(), c.Auth.check(), c.Response.check()}
	if !name.MatchString(c.Name) {
		faults = append(faults, errors.New("name: a lower-case letter, then up to 31 of a-z, 0-9, _ and -"))
	}
	if c.Timeout < 0 || c.Concurrency < 0 {
		faults = append(faults, errors.New("timeout and concurrency must not be negative"))
	}
	if c.Lookup != nil {
		faults = append(faults, c.Lookup.check())
	}
	if c.Callback != nil {
		faults = append(faults, c.Callback.check())
	}
	if c.PublicURL != "" {
		if _, err := httpcall.ParseURL(c.PublicURL); err != nil {
			faults = append(faults, fmt.Errorf("reading public URL: %w", err))
		}
	}
	return errors.Join(faults...)
}
