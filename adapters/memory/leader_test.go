package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestLeaderObeysItsLaws(t *testing.T) {
	porttest.Leader(t, func(*testing.T) (a, b ports.Leader) {
		l := new(memory.Leader)
		return l, l
	})
}
