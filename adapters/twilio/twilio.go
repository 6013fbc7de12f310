// Package twilio sends texts through Twilio's Messages API, version 2010-04-01,
// looks up what became of them, and reads what Twilio calls back with.
package twilio

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Defaults of Config.
const (
	DefaultName        = "twilio"
	DefaultBaseURL     = "https://api.twilio.com"
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 128
)

// Config describes an account with Twilio, or with whatever speaks its API.
type Config struct {
	Name       string       // in the configuration and in events; "" means "twilio"
	AccountSID string       // required
	AuthToken  ports.Secret // required; the primary one

	// The sender of texts that name none: the service if there is one, else From.
	From                string
	MessagingServiceSID string

	BaseURL     string        // "" means https://api.twilio.com
	PublicURL   string        // where Twilio reaches us; "" asks for no status callbacks
	Timeout     time.Duration // of one call, all of it; 0 means 30s
	Concurrency int           // calls in flight, each on a connection of its own; 0 means 128

	Proxy func(*http.Request) (*url.URL, error) // nil means none
	Now   func() time.Time                      // nil means time.Now
}

// Provider sends texts through one account. It is safe for concurrent use.
type Provider struct {
	config  Config
	base    *url.URL
	client  *http.Client
	classes classes
}

var _ ports.Provider = (*Provider)(nil)

// accountSID is wider than Twilio's own pattern, so that a fake may call itself
// what it likes, but leaves no way out of the URL's path.
var accountSID = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// New returns a provider. Its error names every fault of c.
func New(c Config) (*Provider, error) {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
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
	base, faults := c.check()
	table, err := parseClasses(errorClasses)
	if err := errors.Join(faults, err); err != nil {
		return nil, fmt.Errorf("configuring provider %s: %w", c.Name, err)
	}
	client := httpcall.NewClient(httpcall.ClientConfig{Timeout: c.Timeout, Concurrency: c.Concurrency, Proxy: c.Proxy})
	return &Provider{config: c, base: base, client: client, classes: table}, nil
}

// Name returns the name under which events know this account.
func (p *Provider) Name() string { return p.config.Name }

// Close gives up idle connections; calls in flight go on.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// check returns the parsed base URL and all faults of c.
func (c Config) check() (*url.URL, error) {
	var faults []error
	if !accountSID.MatchString(c.AccountSID) {
		faults = append(faults, errors.New("account SID is missing or malformed"))
	}
	if c.AuthToken == "" {
		faults = append(faults, errors.New("auth token is missing"))
	}
	if c.Timeout < 0 || c.Concurrency < 0 {
		faults = append(faults, errors.New("timeout and concurrency must not be negative"))
	}
	base, err := httpcall.ParseURL(c.BaseURL)
	if err != nil {
		faults = append(faults, fmt.Errorf("reading base URL: %w", err))
	}
	if c.PublicURL != "" {
		faults = append(faults, checkPublicURL(c.PublicURL))
	}
	return base, errors.Join(faults...)
}

// checkPublicURL refuses what Twilio would answer with 21609, which would fail
// every text.
func checkPublicURL(raw string) error {
	u, err := httpcall.ParseURL(raw)
	switch {
	case err != nil:
		return fmt.Errorf("reading public URL: %w", err)
	case strings.Contains(u.Hostname(), "_"):
		return errors.New("public URL has an underscore in its host, which Twilio refuses")
	}
	return nil
}
