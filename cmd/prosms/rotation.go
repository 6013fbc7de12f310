package main

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// rotation reads the secrets of providers anew while they are in use: every so often,
// and when a provider calls them wrong. What cannot be read stays as it was.
type rotation struct {
	reread    func(context.Context) ([]ProviderConfig, error)
	open      func(ProviderConfig) (ports.Provider, error)
	every     time.Duration // 0: only when they are wrong
	shortest  time.Duration // between two readings because they are wrong; 0: 10s
	wrong     chan struct{} // holds a token when a provider said so
	providers []*rotating
	log       *slog.Logger
}

// rotating is a provider whose secrets may change. Calls under way go on with those
// that they began with.
type rotating struct {
	ports.Provider // the first, for its name
	current        atomic.Pointer[credentials]
	rotation       *rotation
}

// credentials are a provider as it was opened last.
type credentials struct {
	provider ports.Provider
	config   ProviderConfig
	previous *ProviderConfig // which callbacks under way may still be signed for; nil: none
}

// add opens p and keeps its secrets fresh.
func (r *rotation) add(p ProviderConfig) (*rotating, error) {
	provider, err := r.open(p)
	if err != nil {
		return nil, err
	}
	kept := &rotating{Provider: provider, rotation: r}
	kept.current.Store(&credentials{provider: provider, config: p})
	r.providers = append(r.providers, kept)
	return kept, nil
}

// Run keeps secrets fresh until ctx ends.
func (r *rotation) Run(ctx context.Context) error {
	shortest := r.shortest
	if shortest == 0 {
		shortest = 10 * time.Second
	}
	for {
		var due <-chan time.Time
		if r.every > 0 {
			due = time.After(r.every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-r.wrong:
		}
		r.refresh(ctx)
		select { // a secret that is wrong at its source is not asked for all the time
		case <-ctx.Done():
			return nil
		case <-time.After(shortest):
		}
	}
}

// refresh takes over what has changed.
func (r *rotation) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, referencesTimeout)
	defer cancel()
	configs, err := r.reread(ctx)
	if err != nil {
		r.log.Warn("reading secrets anew: the last ones stay", "error", err)
		return
	}
	for _, p := range configs {
		for _, kept := range r.providers {
			if kept.Name() == p.Name {
				kept.take(p)
			}
		}
	}
}

// take opens the provider with p, if that is news.
func (k *rotating) take(p ProviderConfig) {
	old := k.current.Load()
	if reflect.DeepEqual(old.config, p) {
		return
	}
	provider, err := k.rotation.open(p)
	if err != nil {
		k.rotation.log.Warn("a new secret cannot be used: the last one stays", "provider", k.Name(), "error", err)
		return
	}
	k.current.Store(&credentials{provider: provider, config: p, previous: &old.config})
	if idle, ok := old.provider.(interface{ Close() }); ok {
		idle.Close()
	}
	k.rotation.log.Info("secrets have changed", "provider", k.Name())
}

// suspect has the secrets read, soon.
func (r *rotation) suspect() {
	select {
	case r.wrong <- struct{}{}:
	default:
	}
}

// Send implements ports.Provider.
func (k *rotating) Send(ctx context.Context, text ports.Text) ports.Outcome {
	outcome := k.current.Load().provider.Send(ctx, text)
	if outcome.HTTPStatus == http.StatusUnauthorized {
		k.rotation.suspect()
	}
	return outcome
}

// Show is the provider's own, of the secrets of now; empty where it has none.
func (k *rotating) Show(text ports.Text, at time.Time) string {
	return shownBy(k.current.Load().provider, text, at)
}

// Explain is the provider's own; empty where it has none.
func (k *rotating) Explain(code string) string {
	return explainedBy(k.current.Load().provider, code)
}

// verified reports whether verify holds for the secrets of now or for those before.
// Where it does not, they may be old, and are read anew.
func (k *rotating) verified(verify func(ProviderConfig) bool) bool {
	c := k.current.Load()
	if verify(c.config) || c.previous != nil && verify(*c.previous) {
		return true
	}
	k.rotation.suspect()
	return false
}

// Find implements ports.Provider.
func (k *rotating) Find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	return k.current.Load().provider.Find(ctx, attempt)
}

// Status implements ports.Provider.
func (k *rotating) Status(ctx context.Context, providerMessageID string) (domain.Receipt, error) {
	return k.current.Load().provider.Status(ctx, providerMessageID)
}

// callback is httpprovider.Callback's Verify for the secrets of now or those before.
func (k *rotating) callback(url string, body []byte, signature string) bool {
	return k.verified(func(p ProviderConfig) bool { return p.HTTP.Callback.Verify(url, body, signature) })
}
