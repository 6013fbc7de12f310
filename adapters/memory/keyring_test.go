package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestKeyringObeysItsLaws(t *testing.T) {
	porttest.Keyring(t, func(*testing.T) (a, b ports.Keyring) {
		k := new(memory.Keyring)
		return k, k
	})
}
