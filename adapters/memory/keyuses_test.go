package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestKeyUsesObeyTheirLaws(t *testing.T) {
	porttest.KeyUses(t, func(*testing.T) (a, b ports.KeyUses) {
		k := new(memory.KeyUses)
		return k, k
	})
}
