package commands

import (
	"slices"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Providers are the providers by which texts go out.
type Providers struct {
	Live ports.Provider // of all texts, where there are no Routes
	Test ports.Provider // the only one that texts of test keys ever reach

	All    []ports.Provider // that Routes and Owners name
	Routes []domain.Route
	// Owners of a sender: a text from it goes out by them alone, by those that its
	// routes name if they name any.
	Owners map[events.Personal][]string
}

// For returns the providers that may make the next attempt at m, best first.
func (p Providers) For(id string, m domain.Message) []ports.Provider {
	if m.Text.Test {
		if p.Test == nil {
			return nil
		}
		return []ports.Provider{p.Test}
	}
	var able []ports.Provider
	for _, name := range m.Order(p.Candidates(id, m)) {
		if provider, ok := p.Named(name); ok {
			able = append(able, provider)
		}
	}
	return able
}

// Candidates returns the names of the providers that may take m, best first,
// whatever became of attempts with them.
func (p Providers) Candidates(id string, m domain.Message) []string {
	switch {
	case m.Text.Test:
		return nil // there is no other
	case len(p.Routes) == 0 && p.Live != nil:
		return []string{p.Live.Name()}
	}
	routed := domain.Candidates(p.Routes, m.Text, id)
	owners := p.Owners[m.Text.From]
	if len(owners) == 0 {
		return routed
	}
	owning := slices.DeleteFunc(routed, func(name string) bool { return !slices.Contains(owners, name) })
	if len(owning) == 0 {
		return owners
	}
	return owning
}

// Named returns the provider that made an attempt.
func (p Providers) Named(name string) (ports.Provider, bool) {
	for _, provider := range append([]ports.Provider{p.Live, p.Test}, p.All...) {
		if provider != nil && provider.Name() == name {
			return provider, true
		}
	}
	return nil, false
}
