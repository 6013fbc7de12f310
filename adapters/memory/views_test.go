package memory_test

import (
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestViewsObeyTheirLaws(t *testing.T) {
	porttest.Views(t, func(*testing.T) ports.Views { return new(memory.Views) })
}
