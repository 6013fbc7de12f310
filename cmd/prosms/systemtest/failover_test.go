package systemtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

const acmeSecret = "acme-signing-secret"

// acme is a second provider with an API of its own. It takes everything on, and
// reports it as delivered.
type acme struct {
	t      *testing.T
	server *httptest.Server
	calls  sync.WaitGroup

	mu    sync.Mutex
	taken []string // references of attempts
}

func newAcme(t *testing.T) *acme {
	a := &acme{t: t}
	a.server = httptest.NewServer(http.HandlerFunc(a.send))
	t.Cleanup(func() {
		a.server.Close()
		a.calls.Wait()
	})
	return a
}

func (a *acme) send(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Reference, Callback string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		a.t.Error(err)
	}
	a.mu.Lock()
	a.taken = append(a.taken, asked.Reference)
	id := fmt.Sprint("acme-", len(a.taken))
	a.mu.Unlock()
	fmt.Fprintf(w, `{"id":%q,"state":"queued"}`, id)
	a.calls.Go(func() { a.report(asked.Callback, fmt.Sprintf(`{"id":%q,"state":"arrived"}`, id)) })
}

// report calls back as the documentation of callbacks says.
func (a *acme) report(url, body string) {
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		a.t.Error(err)
		return
	}
	mac := hmac.New(sha256.New, []byte(acmeSecret))
	_, _ = io.WriteString(mac, url+"\n"+body)
	request.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // a gateway that was killed
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		a.t.Errorf("a callback is answered %d", response.StatusCode)
	}
}

func (a *acme) references() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.taken...)
}

// withAcme gives a rig, whose Twilio comes first, acme as the second provider.
func (r *rig) withAcme(a *acme) {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "providers.yml")
	content := fmt.Sprintf(`
providers:
  - name: acme
    from: ACME
    http:
      request:
        url: %s/sms
        json: {to: "{to}", from: "{from}", text: "{body}", reference: "{reference}", callback: "{callback}"}
      response: {id: id, status: state}
      callback: {secret: %s, id: id, status: state, delivered: [arrived], undelivered: [lost]}
`, a.server.URL, acmeSecret)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.environ = append(r.environ, "PROSMS_CONFIG="+path)
}

// send sends one text and returns its id.
func (i *instance) send(to, body string) string {
	i.rig.t.Helper()
	var answer struct{ ID string }
	if status, err := i.call("POST", "/v1/messages", outgoing{To: to, Body: body}, &answer); err != nil || status != http.StatusAccepted {
		i.rig.t.Fatalf("sending: %d, %v", status, err)
	}
	return answer.ID
}

func TestWhatOneProviderCertainlyDidNotSendGoesByTheNextOnce(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, full)
			second := newAcme(t)
			r.withAcme(second)
			gateway := r.start()
			const refused, unroutable, throttled = "+14155550001", "+14155550002", "+14155550003"
			if err := r.provider.Script(
				sandbox.Fault{To: unroutable, Do: sandbox.Fail, Status: 400, Code: 21612},
				sandbox.Fault{To: throttled, Do: sandbox.Throttle, RetryAfter: 60},
				sandbox.Fault{To: refused, Do: sandbox.Fail, Status: 400, Code: 21211},
			); err != nil {
				t.Fatal(err)
			}
			// First, since a provider that is throttled is passed by for a while.
			dead := gateway.send(refused, "nobody may")
			eventually(t, 20*time.Second, "dead", func() bool { return gateway.statusOf(dead) == "dead_lettered" })
			over := []string{gateway.send(unroutable, "another route may"), gateway.send(throttled, "another has time")}
			for _, id := range over {
				eventually(t, 20*time.Second, "delivered by the second provider", func() bool { return gateway.statusOf(id) == "delivered" })
				gateway.expectTypes(id, "message.accepted", "message.attempted", "message.failed", "message.retried",
					"message.attempted", "message.dispatched", "message.delivered")
				var by []string
				for _, e := range gateway.timeline(id) {
					if attempt, ok := e.Data.(events.MessageAttempted); ok {
						by = append(by, attempt.Provider)
					}
				}
				if len(by) != 2 || by[0] != "twilio" || by[1] != "acme" {
					t.Errorf("attempts by %v, want twilio, then acme", by)
				}
			}
			got := strings.Join(second.references(), " ")
			for _, id := range over {
				if strings.Count(got, id+".2") != 1 {
					t.Errorf("the second provider took %s on as %q, want once, as attempt 2", id, got)
				}
			}
			if len(second.references()) != 2 || len(r.accepted()) != 0 {
				t.Errorf("%d by the second and %d by the first provider", len(second.references()), len(r.accepted()))
			}
			gateway.stop()
		})
	}
}

func TestAProviderThatRefusesConnectionsIsPassedBy(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	second := newAcme(t)
	r.withAcme(second)
	r.replace("TWILIO_API_BASE_URL", "http://"+freeAddr(t))
	gateway := r.start()
	ids, err := gateway.sendBatch(50)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		eventually(t, 30*time.Second, "delivered", func() bool { return gateway.statusOf(id) == "delivered" })
	}
	if n := len(second.references()); n != len(ids) {
		t.Errorf("the second provider took %d texts on, want %d", n, len(ids))
	}
	gateway.stop()
}

func TestADoubtIsLookedUpWhereItAroseAndNotSentByAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, false, "PROSMS_RECONCILE_DELAYS=1s,2s", "PROSMS_RECONCILE_DELAYS_HIGH=1s,2s")
	second := newAcme(t)
	r.withAcme(second)
	gateway := r.start()
	const to = "+14155550004"
	if err := r.provider.Script(sandbox.Fault{To: to, Do: sandbox.Fail, Status: 500, Accept: true, Callbacks: &sandbox.Callbacks{Drop: true}}); err != nil {
		t.Fatal(err)
	}
	id := gateway.send(to, "it may have gone out")
	eventually(t, 20*time.Second, "found at the first provider", func() bool { return gateway.statusOf(id) == "dispatched" })
	gateway.expectTypes(id, "message.accepted", "message.attempted", "message.in_doubt", "message.reconciled")
	if n := len(second.references()); n != 0 {
		t.Errorf("the second provider took %d texts on while there was a doubt", n)
	}
	gateway.stop()
}
