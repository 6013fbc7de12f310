package systemtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func TestAPumpedPrefixIsPausedAndLiftedOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_PUMPING_FUSE=pause", "PROSMS_PUMPING_TEXTS=5", "PROSMS_PUMPING_WAIT=1s")
			if err := rig.provider.Script(sandbox.Fault{Callbacks: &sandbox.Callbacks{Drop: true}}); err != nil {
				t.Fatal(err)
			}
			gateway := rig.start()
			send := func(prefix string, n int) (status int, code string) {
				t.Helper()
				var answer struct{ Code string }
				status, err := gateway.call("POST", "/v1/messages", map[string]string{"to": fmt.Sprintf("%s%04d", prefix, 2000+n), "body": "code"}, &answer)
				if err != nil {
					t.Fatal(err)
				}
				return status, answer.Code
			}
			for n := range 5 {
				if status, _ := send("+1415555", n); status != http.StatusAccepted {
					t.Fatalf("text %d is answered %d", n, status)
				}
			}
			n := 5
			eventually(t, 15*time.Second, "the prefix paused", func() bool {
				n++
				status, code := send("+1415555", n)
				return status == http.StatusTooManyRequests && code == "prefix_paused"
			})
			if status, _ := send("+1212555", 0); status != http.StatusAccepted {
				t.Errorf("another prefix: %d", status)
			}
			list := rig.command("fuse", "list")
			if !strings.Contains(list, "+1415555") || !strings.Contains(list, "paused") || !strings.Contains(list, "0 of 5") {
				t.Errorf("fuse list:\n%s", list)
			}
			tenant := strings.Fields(strings.Split(list, "\n")[1])[0]
			if !full { // SQLite is one process's
				gateway.stop()
			}
			rig.command("fuse", "lift", tenant, "+1415555", "--reason", "a campaign")
			if !full {
				gateway = rig.start()
			}
			eventually(t, 10*time.Second, "the prefix open", func() bool { status, _ := send("+1415555", 99); return status == http.StatusAccepted })
			gateway.stop()
		})
	}
}
