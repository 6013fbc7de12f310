package rabbitmq

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func TestANewConnectionLogsInWithTheSecretOfNow(t *testing.T) {
	c := atBroker(t, Config{})
	uri, err := amqp.ParseURI(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	wrong, right := url.UserPassword(uri.Username, "no longer right"), url.UserPassword(uri.Username, uri.Password)
	var login atomic.Pointer[url.Userinfo]
	login.Store(wrong)
	c.Login = func(context.Context) *url.Userinfo { return login.Load() }
	b := open(t, c)
	if b.Ping(t.Context()) == nil {
		t.Fatal("the broker lets the wrong secret in, or the URL's was used")
	}
	login.Store(right)
	for deadline := time.Now().Add(within); b.Ping(t.Context()) != nil; pause(t.Context(), retryAfter) {
		if time.Now().After(deadline) {
			t.Fatal("the right secret is not used")
		}
	}
	login.Store(wrong)
	publish(t, b, bulk, numbered(0, 1)...) // on the connection that there is
	receive(t, subscribe(t, b, bulk)).Ack()
}
