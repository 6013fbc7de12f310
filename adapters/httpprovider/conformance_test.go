package httpprovider_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestProviderObeysTheLaws(t *testing.T) {
	t.Parallel()
	porttest.Provider(t, func(t *testing.T) (ports.Provider, porttest.FarSide) {
		f := openFar(t)
		return openProvider(t, f.config()), f
	})
}

func openProvider(t *testing.T, c httpprovider.Config) *httpprovider.Provider {
	t.Helper()
	provider, err := httpprovider.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	return provider
}
