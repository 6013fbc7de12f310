package rabbitmq

import (
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

func TestWhoLooksOnlyDeclaresNothing(t *testing.T) {
	c := atBroker(t, Config{})
	looking := c
	looking.LookOnly = true
	names := func() []string {
		t.Helper()
		b := open(t, looking)
		missing, err := b.Missing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return missing
	}
	topology := newTopology(c)
	all := len(topology.exchanges) + len(topology.queues)
	for range 2 {
		if missing := names(); len(missing) != all || !slices.Contains(missing, "queue "+c.Prefix+bulk) {
			t.Errorf("at a broker that has nothing of ours these are missing: %v, want all %d", missing, all)
		}
	}
	open(t, c)
	if missing := names(); len(missing) != 0 {
		t.Errorf("of what was declared these are missing: %v", missing)
	}
	other := broker(t, c)
	if _, err := other.QueueDelete(c.Prefix+ports.TopicDeadLetter, false, false, false); err != nil {
		t.Fatal(err)
	}
	if missing := names(); !slices.Equal(missing, []string{"queue " + c.Prefix + ports.TopicDeadLetter}) {
		t.Errorf("without its dead letters these are missing: %v", missing)
	}
}

func TestWhoLooksOnlyFindsOtherArguments(t *testing.T) {
	c := atBroker(t, Config{LookOnly: true})
	if _, err := broker(t, c).QueueDeclare(c.Prefix+bulk, true, false, false, false, quorum(amqp.Table{amqp.QueueMaxLenArg: 7})); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, c).Missing(t.Context()); err == nil || !strings.Contains(err.Error(), "queue "+c.Prefix+bulk+": it exists with other arguments") {
		t.Errorf("Missing: %v, want the queue named", err)
	}
}
