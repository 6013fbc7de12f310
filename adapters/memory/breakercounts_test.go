package memory_test

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestBreakerCounts(t *testing.T) {
	porttest.BreakerCounts(t, func(_ *testing.T, now func() time.Time) ports.BreakerCounts {
		return &memory.BreakerCounts{Now: now}
	})
}
