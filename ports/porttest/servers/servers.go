// Package servers finds the real PostgreSQL, RabbitMQ and Redis that tests run
// on, and gives each test a part of its own that is gone when the test ends.
//
// A server is the one named in TEST_DATABASE_URL, TEST_RABBITMQ_URL or
// TEST_REDIS_URL, else what answers on the standard port of this machine. A
// server that is named must answer. Where none is named and none answers the
// test is skipped, or fails when CI=true or PROSMS_TEST_REQUIRE=all. What became
// of it is written into the test's attributes (go test -json), from which ./test
// makes its table.
package servers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Bounds of every single step that is taken with a server here.
const (
	patience = 10 * time.Second // until it answers
	work     = time.Minute      // until it has done something: a busy one takes 10 s for the checkpoint before a database is dropped
)

// Attribute is the prefix of the attribute that a test gets for each server that
// it asked for; the server's name follows: "backend.redis".
const Attribute = "backend."

// Skipped is how the attribute's value starts when the server did not answer.
const Skipped = "skipped: "

// Server is a kind of server, and where to look for it.
type Server struct {
	Name     string // "postgres", "rabbitmq", "redis"
	Variable string // of the environment: names the URL
	Default  string // URL where one is looked for when Variable is empty

	// version asks the server at url what it is: "PostgreSQL 15.14".
	version func(ctx context.Context, url string) (string, error)
}

// All lists the servers that the tests know.
func All() []Server { return []Server{postgres, rabbitmq, redis} }

// URL returns where the server is to be found, and whether someone said so.
func (s Server) URL() (address string, named bool) {
	if address = os.Getenv(s.Variable); address != "" {
		return address, true
	}
	return s.Default, false
}

// Find returns the server's URL and version. The error means that it does not
// answer, or does not let us in.
func (s Server) Find(ctx context.Context) (address, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address, _ = s.URL()
	if version, err = s.version(ctx, address); err != nil {
		return "", "", fmt.Errorf("asking %s at %s: %w", s.Name, where(address), err)
	}
	return address, version, nil
}

// find is Find for a test: it ends the test where there is no server.
func (s Server) find(t testing.TB) string {
	t.Helper()
	address, named := s.URL()
	_, version, err := s.Find(t.Context())
	if err == nil {
		t.Attr(Attribute+s.Name, version+" at "+where(address))
		return address
	}
	t.Attr(Attribute+s.Name, Skipped+"no answer at "+where(address))
	if named || Required() {
		t.Fatalf("%v", err)
	}
	t.Skipf("SKIPPED FOR WANT OF A SERVER: %v (%s names another)", err, s.Variable)
	return ""
}

// Program returns where the first of names is installed. It ends the test where none
// is, and fails it where nothing may be left out.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			t.Attr(Attribute+names[0], path)
			return path
		}
	}
	t.Attr(Attribute+names[0], Skipped+"not installed")
	if Required() {
		t.Fatalf("%s is not installed", names[0])
	}
	t.Skipf("SKIPPED FOR WANT OF %s: install it, or let ./test do so as root", names[0])
	return ""
}

// Required reports whether a test that lacks something has to fail rather than skip.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("PROSMS_TEST_REQUIRE") == "all"
}

// where returns the host and port of a URL: what may stand in a log.
func where(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a malformed URL"
	}
	return u.Host
}

// randomName returns n random bytes in hex.
func randomName(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand's own promise
	return hex.EncodeToString(b)
}

// cleanupContext bounds what is done after a test, when its own context has ended.
func cleanupContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), work)
}
