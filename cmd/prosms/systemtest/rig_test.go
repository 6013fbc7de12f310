package systemtest

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "prosms-programs"); err != nil {
		panic(err)
	}
	// Most of these tests wait for something: four at a time, unless the command line
	// says otherwise.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(programs); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// rig is an installation under test: its servers, a provider that keeps the
// ledger, and a key.
type rig struct {
	t        *testing.T
	program  func() (string, error) // what its gateways run
	environ  []string
	provider *sandbox.Sandbox
	key      string
	texts    atomic.Int64 // sent by sendBatch
}

const rigToken = "rig-token"

// newRig prepares the embedded stack, or the full one, and creates a key.
func newRig(t *testing.T, full bool, settings ...string) *rig {
	t.Helper()
	if !full {
		return newRigOn(t, append([]string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "prosms.db")}, settings...)...)
	}
	return newRigOn(t, slices.Concat([]string{"DATABASE_URL=" + servers.Postgres(t)}, brokerAndCache(t), settings)...)
}

// brokerAndCache are the settings of the RabbitMQ and the Redis that tests share.
func brokerAndCache(t *testing.T) []string {
	t.Helper()
	url, prefix := servers.RabbitMQ(t)
	t.Cleanup(func() { servers.DeleteTopology(t, url, topologyNames(prefix)...) })
	return []string{"RABBITMQ_URL=" + url, "PROSMS_RABBITMQ_PREFIX=" + prefix, "REDIS_URL=" + servers.Redis(t)}
}

// raced makes the gateways of r run under the race detector, if there is one.
func (r *rig) raced() *rig {
	r.program = raced
	return r
}

// newRigOn prepares an installation on the servers that settings name.
func newRigOn(t *testing.T, settings ...string) *rig {
	t.Helper()
	r := &rig{t: t, program: shipped}
	var err error
	r.provider, err = sandbox.New(sandbox.Config{AuthToken: rigToken})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.provider.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := r.provider.Close(); err != nil {
			t.Error(err)
		}
	})
	r.environ = append(r.environ,
		"TWILIO_ACCOUNT_SID="+sandbox.DefaultAccountSID, "TWILIO_AUTH_TOKEN="+rigToken, "TWILIO_FROM="+sandbox.DefaultFrom,
		"TWILIO_API_BASE_URL="+server.URL, "PROSMS_RATE_PER_KEY=0", "PROSMS_RATE_PER_IP=0", "PROSMS_LOG_LEVEL=warn",
		// Several of these tests run at once, some with three gateways, on a server of 100.
		"PROSMS_DATABASE_CONNECTIONS=8")
	r.environ = append(r.environ, settings...)
	r.command("migrate", "up")
	lines := strings.Split(strings.TrimSpace(r.command("keys", "create", "--tenant", "acme", "--scope", "admin")), "\n")
	r.key = lines[len(lines)-1]
	return r
}

// topologyNames are all exchanges and queues that an installation of these tests may have.
func topologyNames(prefix string) []string {
	names := []string{"sms.dispatch", "sms.dlx", "sms.dlq", "sms.dlq.unreadable", "sms.events", "sms.events.projections", "sms.events.webhooks"}
	for _, lane := range domain.Lanes {
		names = append(names, ports.DispatchTopic(lane))
	}
	for _, delay := range []time.Duration{time.Second, 2 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour} {
		names = append(names, ports.RetryTopic(delay))
	}
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

// command runs prosms with args to its end and returns what it printed.
func (r *rig) command(args ...string) string {
	r.t.Helper()
	printed, err := r.attempt(args...)
	if err != nil {
		r.t.Fatalf("prosms %s: %v", strings.Join(args, " "), err)
	}
	return printed
}

// attempt is command for what may end with an error.
func (r *rig) attempt(args ...string) (string, error) {
	r.t.Helper()
	printed, _, err := prosms(r.t, r.environ, args...)
	return printed, err
}

// accepted returns how often the provider took each message on.
func (r *rig) accepted() map[string]int {
	counts := map[string]int{}
	for _, entry := range r.ledger() {
		counts[entry.MessageID]++
	}
	return counts
}

// ledger returns all texts that the provider took on.
func (r *rig) ledger() []sandbox.Message {
	var all []sandbox.Message
	for after := int64(0); ; {
		ledger := r.provider.Ledger(after, 1000)
		all = append(all, ledger.Entries...)
		if after = ledger.Next; len(ledger.Entries) == 0 {
			return all
		}
	}
}

// value returns a setting of the rig.
func (r *rig) value(name string) string {
	r.t.Helper()
	for _, entry := range r.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	r.t.Fatalf("%s is not set", name)
	return ""
}

// replace changes a setting of the rig.
func (r *rig) replace(name, value string) {
	r.t.Helper()
	old := name + "=" + r.value(name)
	for i, entry := range r.environ {
		if entry == old {
			r.environ[i] = name + "=" + value
		}
	}
}
