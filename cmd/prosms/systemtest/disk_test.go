package systemtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// The disk that the log is on is full while texts come and go: they are refused until
// there is room again, and then all goes on.
func TestAFullDiskCostsTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := servers.SmallDisk(t, "300m")
			settings := append(swift[:len(swift):len(swift)], "DATABASE_URL=sqlite://"+disk.Folder+"/prosms.db")
			var database *servers.Private
			if full {
				database = servers.PrivatePostgresOn(t, disk.Folder)
				settings = append(append(settings, brokerAndCache(t)...), "DATABASE_URL="+database.URL)
			}
			rig := newRigOn(t, settings...)
			addr := freeAddr(t)
			gateway := rig.launch(addr)
			eventually(t, time.Minute, "ready", gateway.ready)
			texts := newTraffic(rig, addr)
			stop := steadily([]*traffic{texts}, 5, 100*time.Millisecond)
			eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) > 50 })
			disk.Fill()
			var ids []string
			probe := func() *http.Response {
				response := gateway.post(t, fmt.Sprintf(`{"to":"+1415666%04d","body":"probe"}`, len(ids)), "Idempotency-Key", fmt.Sprint("probe-", len(ids)))
				if id, ok := strings.CutPrefix(response.Header.Get("Location"), "/v1/messages/"); ok {
					ids = append(ids, id)
				}
				return response
			}
			eventually(t, time.Minute, "refused", func() bool {
				refused := probe()
				if refused.StatusCode == http.StatusServiceUnavailable && refused.Header.Get("Retry-After") == "" {
					t.Error("it is not said when to come again")
				}
				return refused.StatusCode == http.StatusServiceUnavailable
			})
			said := read(t, gateway.admin+"/readyz?verbose")
			t.Logf("while the disk is full:\n%s", said)
			if strings.Contains(said, "readyz: ok") {
				t.Error("all is said to be well")
			}
			stop()
			disk.Free()
			if full && !database.Running() {
				t.Log("the database has stopped")
				database.Start()
			}
			eventually(t, time.Minute, "taken on", func() bool { return probe().StatusCode == http.StatusAccepted })
			texts.expectSent(t, gateway, "the disk was full", time.Minute)
			rig.verifyOnce(gateway, append(ids, texts.finish()...), time.Minute)
			gateway.stop()
		})
	}
}
