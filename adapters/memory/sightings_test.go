package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestSightings(t *testing.T) {
	porttest.Sightings(t, func(*testing.T) ports.Sightings { return &memory.Sightings{} })
}
