package systemtest

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// curlLine is what the demo asks a newcomer to paste.
var curlLine = regexp.MustCompile(`curl -sS (\S+)/v1/messages -H 'Authorization: Bearer (\S+)' -H 'Content-Type: application/json' -d '([^']+)'`)

// wayIn is the link to the admin pages that a demo prints; its first group is
// where they are.
var wayIn = regexp.MustCompile(`(http://\S+)/join\?token=\w+`)

// phonePage is where the texts of a demo arrive.
var phonePage = regexp.MustCompile(`(http://\S+)\s+where the texts arrive`)

// demo is a running demo.
type demo struct {
	*instance
	line []string // of curlLine
}

func startDemo(t *testing.T, data string) demo {
	t.Helper()
	i := &instance{rig: &rig{t: t}, output: &lockedBuffer{}, exited: make(chan struct{})}
	program, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	i.process = exec.Command(program, "demo", "--data", data, "--http", freeAddr(t), "--admin", freeAddr(t), "--phone", freeAddr(t))
	i.process.Env = []string{"PROSMS_MAX_RETRIES=nonsense that a demo must not read"}
	i.process.Stdout, i.process.Stderr = i.output, i.output
	if err := i.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(i.exited); i.err = i.process.Wait() }()
	t.Cleanup(i.kill)
	d := demo{instance: i}
	eventually(t, 20*time.Second, "welcomed", func() bool {
		d.line = curlLine.FindStringSubmatch(i.output.String())
		return d.line != nil && strings.Contains(i.output.String(), "Ctrl-C")
	})
	i.url, i.rig.key = d.line[1], d.line[2]
	return d
}

func TestTheCurlLineOfTheDemoSendsATextAndAKillLosesNothing(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	first := startDemo(t, data)
	if said := first.output.String(); !strings.HasPrefix(said, "\nPro-SMS demo is running.") {
		t.Errorf("before it welcomes, it says: %s", said)
	}
	kept, err := os.ReadFile(filepath.Join(data, "api-key"))
	if err != nil || strings.TrimSpace(string(kept)) != first.line[2] {
		t.Errorf("the key of the line is not the one in the folder: %v", err)
	}
	var body outgoing
	if err := json.Unmarshal([]byte(first.line[3]), &body); err != nil {
		t.Fatal(err)
	}
	national := outgoing{To: strings.TrimPrefix(body.To, "+1"), Body: body.Body}
	if status, err := first.call("POST", "/v1/messages", national, nil); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("a number without + where no region is configured: %d, %v", status, err)
	}
	var delivered, pending struct{ ID string }
	if status, err := first.call("POST", "/v1/messages", body, &delivered); err != nil || status != http.StatusAccepted {
		t.Fatalf("the line of the demo: %d, %v", status, err)
	}
	eventually(t, 20*time.Second, "delivered", func() bool { return first.statusOf(delivered.ID) == "delivered" })
	if status, err := first.call("POST", "/v1/messages", body, &pending); err != nil || status != http.StatusAccepted {
		t.Fatalf("a second text: %d, %v", status, err)
	}
	first.kill() // at once after the answer

	second := startDemo(t, data)
	if second.line[2] != first.line[2] {
		t.Error("the second run has another key")
	}
	if status := second.statusOf(delivered.ID); status != "delivered" {
		t.Errorf("the first run's text is %q in the second", status)
	}
	eventually(t, 90*time.Second, "carried on", func() bool {
		status := second.statusOf(pending.ID)
		return status == "delivered" || status == "dispatched"
	})
	if err := second.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-second.exited
	if second.err != nil {
		t.Errorf("after SIGTERM: %v", second.err)
	}
	// Its keys are wrapped by the one beside the database, which tools find.
	environ := []string{"DATABASE_URL=sqlite://" + filepath.Join(data, "prosms.db"), "PROSMS_LOG_LEVEL=error"}
	if printed, _, err := prosms(t, environ, "verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, printed)
	}
	if err := os.Rename(filepath.Join(data, "master-key"), filepath.Join(data, "lost")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := prosms(t, environ, "keys", "list"); !says(err, commands.ErrMasterKey) {
		t.Errorf("without the master key: %v", err)
	}
}
