package commands

import (
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Providers are the providers by which texts go out.
type Providers struct {
	Live ports.Provider
	Test ports.Provider // the only one that texts of test keys ever reach
}

// For returns the provider for the next attempt at m, and false where none may
// send it.
func (p Providers) For(m domain.Message) (ports.Provider, bool) {
	if m.Text.Test {
		return p.Test, p.Test != nil
	}
	return p.Live, p.Live != nil
}

// Named returns the provider that made an attempt.
func (p Providers) Named(name string) (ports.Provider, bool) {
	for _, provider := range []ports.Provider{p.Live, p.Test} {
		if provider != nil && provider.Name() == name {
			return provider, true
		}
	}
	return nil, false
}
