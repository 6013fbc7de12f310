package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestQuota(t *testing.T) {
	porttest.Quota(t, func(*testing.T) ports.Quota { return new(memory.Quota) })
}
