package redis_test

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/pro-sms/prosms/adapters/redis"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestANewConnectionLogsInWithTheSecretOfNow(t *testing.T) {
	address := servers.Redis(t)
	const name = "prosms-test-login" // of the whole server, but this package's alone
	server := rawClient(t, address)
	setPassword := func(password string) {
		t.Helper()
		if err := server.Do(t.Context(), "ACL", "SETUSER", name, "on", "resetpass", ">"+password, "~*", "+@all").Err(); err != nil {
			t.Fatal(err)
		}
	}
	setPassword("first")
	t.Cleanup(func() { server.Do(context.Background(), "ACL", "DELUSER", name) })
	var login atomic.Pointer[url.Userinfo]
	login.Store(url.UserPassword(name, "first"))
	client := open(t, redis.Config{URL: address, Timeout: patient, Login: func(context.Context) *url.Userinfo { return login.Load() }})
	ping := func(what string) {
		t.Helper()
		if err := client.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	reconnects := func() {
		t.Helper()
		if err := server.Do(t.Context(), "CLIENT", "KILL", "USER", name).Err(); err != nil {
			t.Fatal(err)
		}
	}
	ping("with the first")
	setPassword("second")
	ping("on the connection of the first") // which lives on
	reconnects()
	// One of the pool may have yet to notice that it was cut.
	if err := errors.Join(client.Ping(t.Context()), client.Ping(t.Context())); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("with a secret that is no longer right: %v", err)
	}
	login.Store(url.UserPassword(name, "second"))
	ping("with the second")
}
