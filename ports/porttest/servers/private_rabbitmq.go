//go:build linux

package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Broker is a RabbitMQ of the test's own, or a node of a cluster.
type Broker struct {
	*Private
	Node string // its name in the cluster
	ctl  string
}

// PrivateRabbitMQ starts a RabbitMQ of the test's own.
func PrivateRabbitMQ(t testing.TB) Broker {
	t.Helper()
	return startBroker(t, freePort(t), randomName(8))
}

// PrivateRabbitMQCluster starts n nodes that are a cluster, of which a minority stops.
func PrivateRabbitMQCluster(t testing.TB, n int) []Broker {
	t.Helper()
	epmd, cookie := freePort(t), randomName(8)
	nodes := make([]Broker, n)
	for i := range nodes {
		nodes[i] = startBroker(t, epmd, cookie, "cluster_partition_handling = pause_minority")
		if i == 0 {
			continue
		}
		nodes[i].Ctl("stop_app")
		nodes[i].Ctl("join_cluster", nodes[0].Node)
		nodes[i].Ctl("start_app")
	}
	return nodes
}

// startBroker starts a node that finds others by the name server at port epmd, and
// may talk to those that know the cookie.
func startBroker(t testing.TB, epmd, cookie string, settings ...string) Broker {
	t.Helper()
	program := rabbitProgram("rabbitmq-server")
	p := newPrivate(t, "", rabbitmq, "rabbitmq", program)
	port, node := freePort(t), "prosms-"+randomName(4)+"@localhost"
	p.URL = "amqp://guest:guest@127.0.0.1:" + port + "/"
	plugins, config := filepath.Join(p.dir, "enabled_plugins"), filepath.Join(p.dir, "rabbitmq.conf")
	for file, content := range map[string]string{plugins: "[].", config: strings.Join(settings, "\n") + "\n"} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.environ = []string{
		"ERL_EPMD_PORT=" + epmd, "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_NODENAME=" + node, "RABBITMQ_ERLANG_COOKIE=" + cookie, "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_NODE_PORT=" + port, "RABBITMQ_DIST_PORT=" + freePort(t),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(p.dir, "mnesia"), "RABBITMQ_LOG_BASE=" + p.dir, "RABBITMQ_PID_FILE=" + filepath.Join(p.dir, "pid"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_CONFIG_FILE=" + config, "RABBITMQ_CONFIG_FILES=",
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + plugins, "RABBITMQ_ALLOW_INPUT=1",
	}
	p.command = []string{program, "-noinput"}
	t.Cleanup(func() { // after the server's own, which knows it
		ctx, cancel := cleanupContext()
		defer cancel()
		_ = p.cmd(ctx, "epmd", "-kill").Run() // the name server that it has started
	})
	p.Start()
	return Broker{p, node, rabbitProgram("rabbitmqctl")}
}

// Ctl runs rabbitmqctl on the broker and returns what it printed.
func (b Broker) Ctl(arguments ...string) string {
	b.t.Helper()
	return b.run(append([]string{b.ctl}, arguments...)...)
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
