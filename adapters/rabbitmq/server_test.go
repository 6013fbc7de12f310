package rabbitmq

import (
	"fmt"
	"strings"
	"testing"
)

func TestABrokerThatBlocksPublishingIsFoundOut(t *testing.T) {
	config, network := through(t, atBroker(t, Config{}))
	b := open(t, config)
	if err := b.CanPublish(t.Context()); err != nil {
		t.Fatalf("all is well: %v", err)
	}
	network.stall()
	if err := b.CanPublish(t.Context()); err == nil || !strings.Contains(err.Error(), "confirms nothing") {
		t.Errorf("while it reads nothing: %v", err)
	}
	network.tell(t, connectionBlocked)
	network.resume()
	eventually(t, func() error {
		if err := b.CanPublish(t.Context()); err == nil || !strings.Contains(err.Error(), "low") {
			return fmt.Errorf("while an alarm is on: %w, want its reason", err)
		}
		return nil
	})
	network.tell(t, connectionUnblocked)
	eventually(t, func() error { return b.CanPublish(t.Context()) })
}
