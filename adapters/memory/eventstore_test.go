package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestEventStoreObeysItsLaws(t *testing.T) {
	porttest.EventStore(t, func(*testing.T) ports.EventStore { return new(memory.EventStore) })
}

func TestEventStoreKeepsKeysByTheirLaws(t *testing.T) {
	porttest.Keys(t, func(*testing.T) (ports.EventStore, ports.Keyring) {
		s := new(memory.EventStore)
		return s, s.Keyring()
	})
}
