//go:build linux

package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// PrivatePostgres starts a PostgreSQL of the test's own.
func PrivatePostgres(t testing.TB) *Private {
	t.Helper()
	bin := postgresBin()
	p := newPrivate(t, postgres, "postgres", filepath.Join(bin, "initdb"))
	data, port := filepath.Join(p.dir, "data"), freePort(t)
	p.run(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	p.URL = "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
	p.command = []string{
		filepath.Join(bin, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100",
	}
	p.Start()
	return p
}

// postgresBin returns the folder of the newest version's programs; Debian keeps
// them out of PATH.
func postgresBin() string {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(installed)
	if len(installed) > 0 {
		return installed[len(installed)-1]
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return "."
	}
	return filepath.Dir(program)
}

// PrivateRedis starts a Redis of the test's own, which keeps nothing on disk.
func PrivateRedis(t testing.TB) *Private {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program = "redis-server"
	}
	p := newPrivate(t, redis, "redis", program)
	port := freePort(t)
	p.URL = "redis://127.0.0.1:" + port + "/0"
	p.command = []string{program, "--bind", "127.0.0.1", "--port", port, "--dir", p.dir, "--save", "", "--appendonly", "no"}
	p.Start()
	return p
}

// Broker is a RabbitMQ of the test's own.
type Broker struct {
	*Private
	ctl string
}

// PrivateRabbitMQ starts a RabbitMQ of the test's own.
func PrivateRabbitMQ(t testing.TB) Broker {
	t.Helper()
	program := rabbitProgram("rabbitmq-server")
	p := newPrivate(t, rabbitmq, "rabbitmq", program)
	port, epmd := freePort(t), freePort(t)
	p.URL = "amqp://guest:guest@127.0.0.1:" + port + "/"
	plugins := filepath.Join(p.dir, "enabled_plugins")
	if err := os.WriteFile(plugins, []byte("[]."), 0o644); err != nil {
		t.Fatal(err)
	}
	p.environ = []string{
		"ERL_EPMD_PORT=" + epmd, "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_NODENAME=prosms-" + randomName(4) + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_NODE_PORT=" + port, "RABBITMQ_DIST_PORT=" + freePort(t),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(p.dir, "mnesia"), "RABBITMQ_LOG_BASE=" + p.dir, "RABBITMQ_PID_FILE=" + filepath.Join(p.dir, "pid"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_CONFIG_FILE=" + filepath.Join(p.dir, "none"), "RABBITMQ_CONFIG_FILES=",
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + plugins, "RABBITMQ_ALLOW_INPUT=1",
	}
	p.command = []string{program, "-noinput"}
	t.Cleanup(func() { // after the server's own, which knows it
		ctx, cancel := cleanupContext()
		defer cancel()
		_ = p.cmd(ctx, "epmd", "-kill").Run() // the name server that it has started
	})
	p.Start()
	return Broker{p, rabbitProgram("rabbitmqctl")}
}

// Ctl runs rabbitmqctl on the broker.
func (b Broker) Ctl(arguments ...string) {
	b.t.Helper()
	b.run(append([]string{b.ctl}, arguments...)...)
}

// rabbitProgram returns where a program of RabbitMQ is: Debian's wrapper in PATH
// insists on data of its own.
func rabbitProgram(name string) string {
	own := "/usr/lib/rabbitmq/bin/" + name
	if _, err := os.Stat(own); err == nil {
		return own
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return name
	}
	return program
}
