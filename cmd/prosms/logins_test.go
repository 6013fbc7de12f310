package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALoginIsReadForNewConnectionsAndTheLastGoodOneStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		var reads int
		secret, failure := "amqp://gateway:one@broker/", error(nil)
		var all logins
		get := all.of(Config{environ: map[string]string{"RABBITMQ_URL": "file:of-the-url"}}, "RABBITMQ_URL", secret, slog.New(slog.NewTextHandler(&logged, nil)))
		l := all.all[0]
		l.read = func(context.Context) (string, error) {
			reads++
			time.Sleep(time.Second)
			return secret, failure
		}
		wants := func(password string) {
			t.Helper()
			if got, _ := get(t.Context()).Password(); got != password {
				t.Errorf("the password is %q, want %q", got, password)
			}
		}
		secret = "amqp://gateway:two@broker/"
		wants("one") // as fresh as the configuration
		time.Sleep(secretFresh)
		for range 3 { // read once
			go get(t.Context())
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got, _ := get(hurried).Password(); got != "one" {
			t.Errorf("who cannot wait gets %q", got)
		}
		wants("two")
		if reads != 1 {
			t.Errorf("it was read %d times", reads)
		}
		for _, what := range []string{"", "amqp://gateway:three@another/", "not a URL of three"} {
			secret, failure = what, nil
			if what == "" {
				failure = errors.New("the Vault is sealed")
			}
			time.Sleep(secretFresh)
			wants("two")
		}
		secret = "amqp://gateway:four@broker/"
		time.Sleep(secretFresh)
		wants("four")
		all.close()
		text := logged.String()
		for _, password := range []string{"one@", "two", "three", "four"} {
			if strings.Contains(text, password) {
				t.Errorf("a password is logged:\n%s", text)
			}
		}
		if strings.Count(text, "secrets have changed") != 2 || strings.Count(text, "the last one stays") != 3 || strings.Count(text, "takes a restart") != 1 {
			t.Errorf("the log says\n%s", text)
		}
	})
}

func TestOnlyALoginThatIsReferredToIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("postgres://gateway:one@db/prosms")
	c, err := loadConfig([]string{"DATABASE_URL=file:" + file, "RABBITMQ_URL=env:BROKER", "BROKER=amqp://broker/", "REDIS_URL=redis://cache/0"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLogins(c, slog.New(slog.DiscardHandler))
	defer l.close()
	if l.broker != nil || l.cache != nil || l.database == nil {
		t.Fatalf("of three URLs %d can change, want that of the database", len(l.all))
	}
	write("postgres://gateway:two@db/prosms")
	l.all[0].readAt = time.Time{}
	if got, _ := l.database(t.Context()).Password(); got != "two" {
		t.Errorf("the password is %q", got)
	}
}

func TestOtherSecretsAreFollowedToo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	c, err := loadConfig([]string{"PROSMS_OIDC_CLIENT_SECRET=file:" + file})
	if err != nil {
		t.Fatal(err)
	}
	l := newLogins(c, slog.New(slog.DiscardHandler))
	defer l.close()
	if l.clientSecret == nil || l.headKey != nil {
		t.Fatal("a secret in a file does not change, or one that is not set does")
	}
	for _, tt := range []struct{ written, want string }{{"two", "two"}, {"", "two"}, {"three", "three"}} {
		write(tt.written)
		l.all[0].readAt = time.Time{}
		if got := l.clientSecret(t.Context()); got != tt.want {
			t.Errorf("after %q was written it is %q", tt.written, got)
		}
	}
}

func TestALoginIsCutOutOfAURL(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://me:p%40ss@a:5432,b:5433/prosms?x=y@z": "me p@ss postgres://a:5432,b:5433/prosms?x=y@z",
		"redis://:p@cache:6379/0":                         " p redis://cache:6379/0",
		"amqp://me@broker":                                "me  amqp://broker",
	} {
		user, server := cutLogin(text)
		password, _ := user.Password()
		if got := user.Username() + " " + password + " " + server; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"redis://cache:6379/0", "sqlite:///a@b.db", "prosms", "", "amqp://%zz@broker"} {
		if user, server := cutLogin(text); user != nil || server != text {
			t.Errorf("%s: %v %s", text, user, server)
		}
	}
}
