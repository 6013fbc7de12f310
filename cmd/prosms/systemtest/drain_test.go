package systemtest

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

func TestAGatewayThatIsStoppedFinishesWhatItHasClaimed(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_DISPATCH_CONCURRENCY=4")
			if err := rig.provider.Script(sandbox.Fault{Do: sandbox.Slowly, For: events.Duration(time.Second)}); err != nil {
				t.Fatal(err)
			}
			first := rig.start()
			ids, err := first.sendBatch(12)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, 10*time.Second, "sending", func() bool { return rig.provider.Ledger(0, 1).Requests > 0 })
			if err := first.process.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-first.exited
			if first.err != nil {
				t.Errorf("exit after SIGTERM: %v\n%s", first.err, first.output)
			}
			rig.provider.ClearScript()

			// A claim that was left without an outcome would be called in doubt.
			second := rig.start()
			second.expectAll(ids, []string{"delivered", "dispatched"}, 30*time.Second)
			for _, id := range ids {
				for _, e := range second.timeline(id) {
					if e.Type == "message.in_doubt" {
						t.Errorf("%s was claimed, and its outcome is not in the log", id)
					}
				}
			}
			second.stop()
		})
	}
}

// Whoever passes requests on has time to notice: they are answered meanwhile.
func TestAGatewayThatIsToEndServesOnWhileItIsNotReady(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false, "PROSMS_SHUTDOWN_DELAY=1m")
	gateway := rig.start()
	if err := gateway.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "no longer ready", func() bool { return !gateway.ready() })
	if said := read(t, gateway.admin+"/readyz?verbose"); !strings.Contains(said, "last failure: shutting down") {
		t.Errorf("it says:\n%s", said)
	}
	if _, err := gateway.sendBatch(1); err != nil {
		t.Errorf("while it is not ready: %v", err)
	}
	if err := gateway.process.Process.Signal(syscall.SIGTERM); err != nil { // which does not wait
		t.Fatal(err)
	}
	<-gateway.exited
}

func TestARevokedKeyIsRefusedWithinASecond(t *testing.T) {
	rig := newRig(t, true)
	gateway := rig.start()
	if status, err := gateway.call("GET", "/v1/messages", nil, nil); err != nil || status != http.StatusOK {
		t.Fatalf("with the key: %d, %v", status, err)
	}
	rig.command("keys", "revoke", strings.Split(rig.key, "_")[2])
	revoked := time.Now()
	eventually(t, 5*time.Second, "refused", func() bool {
		status, err := gateway.call("GET", "/v1/messages", nil, nil)
		return err == nil && status == http.StatusUnauthorized
	})
	t.Logf("refused %s after it was revoked", time.Since(revoked).Round(time.Millisecond))
	if list := rig.command("keys", "list", "--tenant", "acme"); !strings.Contains(list, "acme") {
		t.Errorf("keys list:\n%s", list)
	}
	gateway.stop()
}
