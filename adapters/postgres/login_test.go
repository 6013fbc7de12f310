//go:build linux

package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// A server of its own, since one for tests may let everybody in.
func TestANewConnectionLogsInWithTheSecretOfNow(t *testing.T) {
	address := servers.PrivatePostgres(t).URL
	if err := postgres.Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	server := owner(t, address)
	do := func(statement string) {
		t.Helper()
		if _, err := server.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var hba string
	if err := server.QueryRow(t.Context(), "SHOW hba_file").Scan(&hba); err != nil {
		t.Fatal(err)
	}
	do("COPY (VALUES ('host all gateway all scram-sha-256'), ('host all postgres all trust')) TO '" + hba + "'")
	do("SELECT pg_reload_conf()")
	do("CREATE ROLE gateway LOGIN PASSWORD 'first' IN ROLE prosms_app")

	var login atomic.Pointer[url.Userinfo]
	login.Store(url.UserPassword("gateway", "first"))
	config := postgres.Config{
		URL:   strings.Replace(address, "postgres@", "gateway:first@", 1),
		Login: func(context.Context) *url.Userinfo { return login.Load() },
	}
	wrong := config
	wrong.URL = strings.Replace(address, "postgres@", "gateway:wrong@", 1)
	deadline := time.Now().Add(20 * time.Second)
	for { // until the server has read its file
		db, err := postgres.Open(t.Context(), wrong)
		if err != nil {
			if errors.Is(err, ports.ErrUnavailable) {
				t.Errorf("a wrong secret at the start, which waiting does not cure: %v", err)
			}
			break
		}
		db.Close()
		if time.Now().After(deadline) {
			t.Fatal("any password is right")
		}
	}
	db, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)

	do("ALTER ROLE gateway PASSWORD 'second'")
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("on a connection of the first: %v", err)
	}
	do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'")
	for err = db.Ping(t.Context()); err == nil && time.Now().Before(deadline); err = db.Ping(t.Context()) { // one may have yet to notice
	}
	if !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("with a secret that is no longer right: %v", err)
	}
	login.Store(url.UserPassword("gateway", "second"))
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("in the pool: %v", err)
	}
	led, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := db.Leader().Lead(led, "any", func(context.Context) error { return nil }); err != nil {
		t.Errorf("outside the pool: %v", err)
	}
}
