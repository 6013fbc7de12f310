//go:build linux

package servers

import (
	"os/exec"
	"testing"
)

// PrivateRedis starts a Redis of the test's own, which keeps nothing on disk.
func PrivateRedis(t testing.TB) *Private {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program = "redis-server"
	}
	p := newPrivate(t, "", redis, "redis", program)
	port := freePort(t)
	p.URL = "redis://127.0.0.1:" + port + "/0"
	p.command = []string{program, "--bind", "127.0.0.1", "--port", port, "--dir", p.dir, "--save", "", "--appendonly", "no"}
	p.Start()
	return p
}
