package systemtest

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// A dump is taken amid the work, the gateway goes on for a while, and all but the
// dump is lost: database, broker and process. The restored log does not know of the
// texts that were sent after the dump, and all the same none is sent again.
func TestARestoredLogSendsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"pg_dump", "psql"} {
		servers.Program(t, program)
	}
	// 300 texts take 15 s, which leaves time for a dump on a machine that is busy.
	rig := newRig(t, true, append(swift[:len(swift):len(swift)], "PROSMS_PROVIDER_MPS=20")...)
	lost := rig.start()
	ids, err := lost.sendBatch(300)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) > 20 })
	dump, err := exec.CommandContext(t.Context(), "pg_dump", "--no-owner", rig.value("DATABASE_URL")).Output()
	if err != nil {
		t.Fatalf("dumping: %v", err)
	}
	atDump := len(rig.ledger())
	eventually(t, 20*time.Second, "sending more", func() bool { return len(rig.ledger()) > atDump+20 })
	lost.kill()
	sent := len(rig.ledger())

	rig.replace("DATABASE_URL", servers.Postgres(t))
	restore := exec.CommandContext(t.Context(), "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+rig.value("DATABASE_URL"))
	restore.Stdin = bytes.NewReader(dump)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("restoring: %v\n%s", err, out)
	}
	if _, err := rig.attempt("restored"); err == nil || !strings.Contains(err.Error(), "PROSMS_RABBITMQ_PREFIX") {
		t.Errorf("with the old log's frames in the queues: %v", err)
	}
	url, prefix := servers.RabbitMQ(t)
	t.Cleanup(func() { servers.DeleteTopology(t, url, topologyNames(prefix)...) })
	rig.replace("PROSMS_RABBITMQ_PREFIX", prefix)
	t.Log(strings.TrimSpace(rig.command("restored")))
	if again := rig.command("restored"); !strings.HasPrefix(again, "0 texts") {
		t.Errorf("run again it says: %s", again)
	}
	if report := rig.command("verify"); strings.Contains(report, "FAIL") {
		t.Errorf("verify:\n%s", report)
	}

	gateway := rig.start()
	rig.verifyOnce(gateway, ids, 90*time.Second)
	found := 0
	for _, id := range ids {
		for _, e := range gateway.timeline(id) {
			if err := e.Decode(); err != nil {
				t.Fatal(err)
			}
			if r, ok := e.Data.(events.MessageReconciled); ok && r.Outcome == domain.OutcomeSent {
				found++
			}
		}
		if n := rig.accepted()[id]; n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
	t.Logf("%d sent at the dump, %d when all was lost, %d in the end; %d found at the provider", atDump, sent, len(rig.ledger()), found)
	if found < sent-atDump {
		t.Errorf("%d texts were sent after the dump, %d found", sent-atDump, found)
	}
	gateway.stop()
	rig.command("verify")
}
