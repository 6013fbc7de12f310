package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/ports"
)

// providersFile is what PROSMS_CONFIG names: several providers, and which texts
// go by which. deploy/providers.example.yml shows all of it.
type providersFile struct {
	Providers  []ProviderConfig        `yaml:"providers"`
	Tenants    map[string]tenantConfig `yaml:"tenants"`
	Keywords   keywordsConfig          `yaml:"keywords"`
	QuietHours []quietHoursConfig      `yaml:"quiet_hours"`
	Routes     []routeConfig           `yaml:"routes"` // none: every provider takes every text, the first one first
}

// ProviderConfig is one provider: an account with Twilio, or any HTTP API.
type ProviderConfig struct {
	Name        string              `yaml:"name"`
	Twilio      *twilioConfig       `yaml:"twilio"`
	HTTP        *httpProviderConfig `yaml:"http"`
	From        string              `yaml:"from"`        // the sender of texts that name none
	Senders     []string            `yaml:"senders"`     // texts from these go by this provider alone
	Concurrency int                 `yaml:"concurrency"` // calls in flight; 0: PROSMS_DISPATCH_CONCURRENCY
	MPS         int                 `yaml:"mps"`         // messages a second; 0: PROSMS_PROVIDER_MPS
	SenderMPS   int                 `yaml:"sender_mps"`  // the same from one sender; 0: PROSMS_SENDER_MPS
	Breaker     BreakerConfig       `yaml:"breaker"`
}

// BreakerConfig is the circuit breaker of one provider. Zero means what the
// environment says for all.
type BreakerConfig struct {
	Window      time.Duration `yaml:"window"`
	FailureRate float64       `yaml:"failure_rate"`
	MinRequests int           `yaml:"min_requests"`
	Consecutive int           `yaml:"consecutive"`
	Cooldown    time.Duration `yaml:"cooldown"`
	Probes      int           `yaml:"probes"`
}

type twilioConfig struct {
	AccountSID string       `yaml:"account_sid"`
	AuthToken  ports.Secret `yaml:"auth_token"`
	Service    string       `yaml:"messaging_service_sid"`
	BaseURL    string       `yaml:"base_url"`
}

type httpProviderConfig struct {
	Request  httpprovider.Request   `yaml:"request"`
	Auth     httpprovider.Auth      `yaml:"auth"`
	Response httpprovider.Response  `yaml:"response"`
	Lookup   *httpprovider.Lookup   `yaml:"lookup"`
	Callback *httpprovider.Callback `yaml:"callback"`
}

// routeConfig is a domain.Route.
type routeConfig struct {
	Provider string      `yaml:"provider"`
	To       string      `yaml:"to"`   // the beginning of the recipient's number: "+44"
	Lane     domain.Lane `yaml:"lane"` // empty: any
	Priority int         `yaml:"priority"`
	Weight   *int        `yaml:"weight"` // nil: 1; 0: no new texts
}

// parseProviders reads the file's content, and follows its references to secrets.
// Its error names every fault and quotes no value.
func parseProviders(content []byte, refs *references) (providersFile, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	var f providersFile
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return providersFile{}, withoutValues(err)
	}
	if !errors.Is(decoder.Decode(new(any)), io.EOF) {
		return providersFile{}, errors.New("holds more than one document")
	}
	var faults []error
	for i := range f.Providers {
		faults = append(faults, f.Providers[i].followReferences(refs))
	}
	return f, errors.Join(faults...)
}

// What yaml says about values, and about types that only we know.
var (
	quoted     = regexp.MustCompile("`[^`]*`")
	notInType  = regexp.MustCompile(`not found in type \S+`)
	intoOfType = regexp.MustCompile(`into [^\s.]*(main|httpprovider)\.\S+`)
)

// withoutValues takes what may be secret out of an error about YAML.
func withoutValues(err error) error {
	text := quoted.ReplaceAllString(err.Error(), "a value")
	text = notInType.ReplaceAllString(text, "is no such setting")
	return errors.New(intoOfType.ReplaceAllString(text, "here"))
}

// followReferences replaces what refers to a secret by the secret.
func (p *ProviderConfig) followReferences(refs *references) error {
	var faults []error
	follow := func(field string, value *string) {
		secret, err := refs.follow(*value)
		if err != nil {
			faults = append(faults, fmt.Errorf("provider %s: %s: %w", p.Name, field, err))
		}
		*value = secret
	}
	if p.Twilio != nil {
		follow("twilio.account_sid", &p.Twilio.AccountSID)
		follow("twilio.auth_token", (*string)(&p.Twilio.AuthToken))
	}
	if p.HTTP != nil {
		for _, secret := range p.HTTP.Auth.Secrets() {
			follow("http.auth", (*string)(secret))
		}
		if p.HTTP.Callback != nil {
			follow("http.callback.secret", (*string)(&p.HTTP.Callback.Secret))
		}
	}
	return errors.Join(faults...)
}

// check finds what is wrong with the providers and routes together.
func (f providersFile) check() []error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	var names []string
	for i, p := range f.Providers {
		for _, err := range p.check() {
			refuse("providers.%d: %w", i, err)
		}
		if slices.Contains(names, p.Name) {
			refuse("providers.%d.name: is taken", i)
		}
		names = append(names, p.Name)
	}
	faults = append(faults, f.checkTenants()...)
	if len(f.Providers) == 0 && !f.saysMore() {
		refuse("providers: there is none")
	}
	anything := len(f.Routes) == 0
	for i, r := range f.Routes {
		switch {
		case !slices.Contains(names, r.Provider):
			refuse("routes.%d.provider: there is no such provider", i)
		case r.To != "" && !numberPrefix.MatchString(r.To):
			refuse(`routes.%d.to: the beginning of numbers, such as "+44"`, i)
		case r.Lane != "" && !slices.Contains(domain.Lanes, r.Lane):
			refuse("routes.%d.lane: high, normal or bulk", i)
		case r.Weight != nil && (*r.Weight < 0 || *r.Weight > 1_000_000):
			refuse("routes.%d.weight: from 0 to 1000000", i)
		}
		anything = anything || r.To == "" && r.Lane == "" && r.weight() > 0
	}
	if !anything {
		refuse("routes: one without to and lane has to take what no other does")
	}
	return faults
}

// saysMore reports whether the file is about more than providers, which it then need
// not name.
func (f providersFile) saysMore() bool {
	return len(f.Tenants)+len(f.QuietHours) > 0 || !f.Keywords.empty()
}

var numberPrefix = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)

func (p ProviderConfig) check() []error {
	var faults []error
	switch {
	case !providerName.MatchString(p.Name):
		faults = append(faults, errors.New("name: a lower-case letter, then up to 31 of a-z, 0-9, _ and -"))
	case p.Name == "sandbox", p.Name == twilio.DefaultName && p.Twilio == nil:
		faults = append(faults, errors.New("name: is reserved"))
	}
	if (p.Twilio == nil) == (p.HTTP == nil) {
		faults = append(faults, errors.New("either twilio or http"))
	}
	if p.Twilio != nil && p.From == "" && p.Twilio.Service == "" {
		faults = append(faults, errors.New("from, twilio.messaging_service_sid: set one of them"))
	}
	if p.Concurrency < 0 || p.Concurrency > 10_000 {
		faults = append(faults, errors.New("concurrency: a whole number from 0 to 10000"))
	}
	if p.SenderMPS < 0 || p.SenderMPS > 1_000_000 {
		faults = append(faults, errors.New("sender_mps: a whole number from 0 to 1000000"))
	}
	for i, sender := range p.Senders {
		if _, err := phone.ParseSender(sender); err != nil {
			faults = append(faults, fmt.Errorf("senders.%d: %w", i, err))
		}
	}
	if p.MPS < 0 || p.MPS > 1_000_000 {
		faults = append(faults, errors.New("mps: a whole number from 0 to 1000000"))
	}
	b := p.Breaker
	if b.Window < 0 || b.Window > time.Hour || b.Cooldown < 0 || b.Cooldown > time.Hour || b.FailureRate < 0 || b.FailureRate >= 1 ||
		b.MinRequests < 0 || b.Consecutive < 0 || b.Probes < 0 || b.Probes > 1000 {
		faults = append(faults, errors.New("breaker: window and cooldown up to 1h, failure_rate from 0 to below 1, whole numbers from 0 on"))
	}
	return faults
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func (r routeConfig) weight() int {
	if r.Weight == nil {
		return 1
	}
	return *r.Weight
}

// routes returns what the domain routes by.
func (f providersFile) routes() []domain.Route {
	var routes []domain.Route
	for _, r := range f.Routes {
		routes = append(routes, domain.Route{Provider: r.Provider, Prefix: r.To, Lane: r.Lane, Priority: r.Priority, Weight: r.weight()})
	}
	if len(routes) == 0 {
		for i, p := range f.Providers {
			routes = append(routes, domain.Route{Provider: p.Name, Priority: i, Weight: 1})
		}
	}
	return routes
}

// ownTerms are those of providers that the file gives some of their own.
func (c *Config) ownTerms() map[string]commands.Terms {
	own := map[string]commands.Terms{}
	for _, p := range c.Providers {
		if p.MPS == 0 && p.SenderMPS == 0 && p.Concurrency == 0 && p.Breaker == (BreakerConfig{}) {
			continue
		}
		rule := c.breakerRule()
		rule.Window = cmp.Or(p.Breaker.Window, rule.Window)
		rule.FailureRate = cmp.Or(p.Breaker.FailureRate, rule.FailureRate)
		rule.MinRequests = cmp.Or(p.Breaker.MinRequests, rule.MinRequests)
		rule.Consecutive = cmp.Or(p.Breaker.Consecutive, rule.Consecutive)
		rule.Cooldown = cmp.Or(p.Breaker.Cooldown, rule.Cooldown)
		rule.Probes = cmp.Or(p.Breaker.Probes, rule.Probes)
		own[p.Name] = commands.Terms{
			Rule: rule, PerSecond: cmp.Or(p.MPS, c.ProviderPerSecond), PerSender: cmp.Or(p.SenderMPS, c.SenderPerSecond), InFlight: cmp.Or(p.Concurrency, c.Concurrency),
		}
	}
	return own
}

// environmentTwilio is the provider that the environment describes.
func (c *Config) environmentTwilio() ProviderConfig {
	return ProviderConfig{
		Name: twilio.DefaultName, From: c.TwilioFrom,
		Twilio: &twilioConfig{AccountSID: c.TwilioAccountSID, AuthToken: c.TwilioAuthToken, Service: c.TwilioService, BaseURL: c.TwilioBaseURL},
	}
}

// reread follows the references to the providers' secrets anew. Nothing else of the
// configuration is read again.
func (c *Config) reread(ctx context.Context) ([]ProviderConfig, error) {
	refs := newReferences(ctx, c.environ)
	f, err := parseProviders(c.providersFile, refs)
	if err != nil {
		return nil, err
	}
	if c.TwilioAccountSID != "" {
		own := c.environmentTwilio()
		token, err := refs.follow(c.environ["TWILIO_AUTH_TOKEN"])
		if err != nil {
			return nil, fmt.Errorf("TWILIO_AUTH_TOKEN: %w", err)
		}
		own.Twilio.AuthToken = ports.Secret(token)
		f.Providers = append([]ProviderConfig{own}, f.Providers...)
	}
	return f.Providers, nil
}

// loadProviders fills c.Providers and c.Routes: first comes what the environment
// says of Twilio, then the file.
func (c *Config) loadProviders(refs *references) []error {
	var f providersFile
	if c.ProvidersFile != "" {
		content, err := os.ReadFile(c.ProvidersFile)
		if err != nil {
			return []error{errors.New("PROSMS_CONFIG: refers to a file that cannot be read")}
		}
		c.providersFile = content
		if f, err = parseProviders(content, refs); err != nil {
			return []error{fmt.Errorf("PROSMS_CONFIG: %s", strings.ReplaceAll(err.Error(), "\n", "\nPROSMS_CONFIG: "))}
		}
	}
	if c.TwilioAccountSID != "" {
		f.Providers = append([]ProviderConfig{c.environmentTwilio()}, f.Providers...)
	}
	c.Providers, c.Routes, c.Tenants = f.Providers, f.routes(), f.Tenants
	var unclear, unkept []error
	c.Keywords, unclear = f.Keywords.words()
	c.QuietRules, unkept = f.quietRules()
	if c.ProvidersFile == "" {
		return nil
	}
	var faults []error
	for _, err := range slices.Concat(f.check(), unclear, unkept) {
		faults = append(faults, fmt.Errorf("PROSMS_CONFIG: %w", err))
	}
	if len(faults) > 0 {
		return faults
	}
	for _, p := range c.Providers {
		if _, err := c.open(p); err != nil {
			faults = append(faults, fmt.Errorf("PROSMS_CONFIG: %w", err))
		}
	}
	return faults
}
