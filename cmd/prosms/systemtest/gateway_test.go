package systemtest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
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
	url, prefix := servers.RabbitMQ(t)
	t.Cleanup(func() { servers.DeleteTopology(t, url, topologyNames(prefix)...) })
	return newRigOn(t, append([]string{
		"DATABASE_URL=" + servers.Postgres(t), "RABBITMQ_URL=" + url, "PROSMS_RABBITMQ_PREFIX=" + prefix, "REDIS_URL=" + servers.Redis(t),
	}, settings...)...)
}

// raced makes the gateways of r run under the race detector, if the tests do.
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
	names := []string{"sms.dispatch", "sms.dlx", "sms.dlq", "sms.events", "sms.events.projections", "sms.events.webhooks"}
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

// instance is a gateway in a process of its own.
type instance struct {
	rig     *rig
	url     string
	admin   string
	process *exec.Cmd
	output  *lockedBuffer
	exited  chan struct{}
	err     error // after exited
}

// start runs serve and waits until it is ready.
func (r *rig) start() *instance {
	r.t.Helper()
	i := r.launch(freeAddr(r.t))
	eventually(r.t, 20*time.Second, "ready", i.ready)
	return i
}

// launch runs serve at addr, with further settings.
func (r *rig) launch(addr string, settings ...string) *instance {
	r.t.Helper()
	return r.spawn(addr, []string{"serve"}, append(r.environ[:len(r.environ):len(r.environ)], settings...))
}

// spawn runs prosms with args in a process of its own, whose environment is environ
// with the addresses of an instance whose API, if it has one, is at addr.
func (r *rig) spawn(addr string, args, environ []string) *instance {
	r.t.Helper()
	admin := freeAddr(r.t)
	i := &instance{rig: r, url: "http://" + addr, admin: "http://" + admin, output: &lockedBuffer{}, exited: make(chan struct{})}
	program, err := r.program()
	if err != nil {
		r.t.Fatal(err)
	}
	i.process = exec.Command(program, args...)
	i.process.Env = append(environ[:len(environ):len(environ)],
		"PROSMS_HTTP_ADDR="+addr, "PROSMS_ADMIN_ADDR="+admin, "PROSMS_PUBLIC_URL="+i.url, "PROSMS_ADMIN_URL="+i.adminURL())
	i.process.Stdout, i.process.Stderr = i.output, i.output
	if err := i.process.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { defer close(i.exited); i.err = i.process.Wait() }()
	r.t.Cleanup(func() {
		i.kill()
		if r.t.Failed() {
			r.t.Logf("output of %s:\n%s", i.url, i.output)
		}
	})
	return i
}

// adminURL is where browsers find the admin pages: another site than the servers of
// tests at 127.0.0.1, for cookies and policies.
func (i *instance) adminURL() string { return strings.Replace(i.admin, "127.0.0.1", "localhost", 1) }

func (i *instance) ready() bool { return answersWell(i.url + "/readyz") }

func answersWell(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// kill ends the process as a power cut would.
func (i *instance) kill() {
	_ = i.process.Process.Signal(syscall.SIGKILL)
	<-i.exited
}

// stop ends it as an operator does, and expects it to end well.
func (i *instance) stop() {
	i.rig.t.Helper()
	if err := i.process.Process.Signal(syscall.SIGTERM); err != nil {
		i.rig.t.Error(err)
	}
	select {
	case <-i.exited:
		if i.err != nil {
			i.rig.t.Errorf("after SIGTERM: %v", i.err)
		}
	case <-time.After(70 * time.Second):
		i.rig.t.Error("still running after SIGTERM")
	}
}

// call makes a request with the rig's key and decodes the answer into out.
func (i *instance) call(method, path string, body, out any) (int, error) {
	return i.callWith(nil, method, path, body, out)
}

// callWith is call with further headers.
func (i *instance) callWith(header http.Header, method, path string, body, out any) (int, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, i.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Authorization", "Bearer "+i.rig.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if out != nil {
		err = json.Unmarshal(answer, out)
	}
	return response.StatusCode, err
}

// outgoing is what the tests send.
type outgoing struct {
	To   string `json:"to"`
	Body string `json:"body"`
	Lane string `json:"lane,omitempty"`

	SendAt string `json:"send_at,omitempty"`
}

// sendBatch sends n texts in batches and returns the ids that were answered. No
// two texts of a rig are the same: a look-up could not tell them apart.
func (i *instance) sendBatch(n int) ([]string, error) {
	var ids []string
	for len(ids) < n {
		var request struct {
			Messages []outgoing `json:"messages"`
		}
		for range min(500, n-len(ids)) {
			n := int(i.rig.texts.Add(1))
			request.Messages = append(request.Messages, outgoing{To: fmt.Sprintf("+1415%07d", 2_000_000+n), Body: fmt.Sprintf("text %d", n)})
		}
		var answer struct {
			Results []struct {
				ID string `json:"id"`
			} `json:"results"`
		}
		status, err := i.call("POST", "/v1/messages/batch", request, &answer)
		if err != nil || status != http.StatusAccepted || len(answer.Results) != len(request.Messages) {
			return ids, fmt.Errorf("sending a batch: %d, %d results, %v", status, len(answer.Results), err)
		}
		for _, result := range answer.Results {
			ids = append(ids, result.ID)
		}
	}
	return ids, nil
}

// statuses returns what the list says of every message.
func (i *instance) statuses() map[string]string {
	i.rig.t.Helper()
	statuses := map[string]string{}
	for cursor := ""; ; {
		path := "/v1/messages?limit=100"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		var page struct {
			Data       []struct{ ID, Status string } `json:"data"`
			NextCursor string                        `json:"next_cursor"`
		}
		status, err := i.call("GET", path, nil, &page)
		if err != nil || status != http.StatusOK {
			i.rig.t.Fatalf("listing: %d, %v", status, err)
		}
		for _, m := range page.Data {
			statuses[m.ID] = m.Status
		}
		if cursor = page.NextCursor; cursor == "" {
			return statuses
		}
	}
}

// any reports whether the view has a message of a status.
func (i *instance) any(status string) bool {
	i.rig.t.Helper()
	var page struct{ Data []json.RawMessage }
	if code, err := i.call("GET", "/v1/messages?limit=1&status="+status, nil, &page); err != nil || code != http.StatusOK {
		i.rig.t.Fatalf("listing %s: %d, %v", status, code, err)
	}
	return len(page.Data) > 0
}

// statusOf returns the status of a message.
func (i *instance) statusOf(id string) string {
	i.rig.t.Helper()
	var answer struct{ Status string }
	if code, err := i.call("GET", "/v1/messages/"+id, nil, &answer); err != nil || code != http.StatusOK {
		i.rig.t.Fatalf("getting %s: %d, %v", id, code, err)
	}
	return answer.Status
}

// timeline returns the events of a message.
func (i *instance) timeline(id string) []events.Recorded {
	i.rig.t.Helper()
	var answer struct{ Data []events.Recorded }
	if status, err := i.call("GET", "/v1/messages/"+id+"/events", nil, &answer); err != nil || status != http.StatusOK {
		i.rig.t.Fatalf("events of %s: %d, %v", id, status, err)
	}
	return answer.Data
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

// eventually polls what happens in another process.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within %s", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// given counts what freeAddr has given out.
var given atomic.Uint32

const (
	lowestPort  = 20_000
	highestPort = 32_000 // from 32,768 on Linux gives them to connections
)

// freeAddr returns an address that nobody listens on, and that no connection is given
// while the gateway on it is away for a moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range highestPort - lowestPort {
		n := (uint32(os.Getpid())*97 + given.Add(1)) % (highestPort - lowestPort)
		addr := fmt.Sprintf("127.0.0.1:%d", lowestPort+n)
		if listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr); err == nil {
			_ = listener.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// lockedBuffer is a buffer that a process writes while a test reads.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
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
