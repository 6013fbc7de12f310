package rabbitmq

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestTheNodesOfAClusterStandInOneURL(t *testing.T) {
	for address, want := range map[string][]string{
		"amqp://mq":                         {"amqp://mq"},
		"amqp://a,b:5673/":                  {"amqp://a/", "amqp://b:5673/"},
		"amqps://u:p,@w@a:1, b:2/v?x=1,2":   {"amqps://u:p,@w@a:1/v?x=1,2", "amqps://u:p,@w@b:2/v?x=1,2"},
		"amqp://u:p@[::1]:5672,[::2]/%2Fv1": {"amqp://u:p@[::1]:5672/%2Fv1", "amqp://u:p@[::2]/%2Fv1"},
	} {
		if got := nodesOf(address); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	for _, address := range []string{"amqp://u:hunter2@a,,b", "amqp://u:hunter2@a,amqp://u:hunter2@b", "amqp://a:x,b", ""} {
		if err := (Config{URL: address}).validate(); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Nobody listens at port 1.
func TestANodeThatIsGoneIsPassedBy(t *testing.T) {
	c := atBroker(t, Config{})
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1," + u.Host + ",127.0.0.1:1"
	if c.URL, err = url.PathUnescape(u.String()); err != nil {
		t.Fatal(err)
	}
	for range 5 { // each begins at any of them
		b := open(t, c)
		if err := b.Connected(); err != nil {
			t.Fatalf("connected at the first attempt: %v", err)
		}
		publish(t, b, bulk, numbered(0, 1)...)
		receive(t, subscribe(t, b, bulk)).Ack()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
