package systemtest

import (
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// The database has a standby that every commit waits for. While two gateways send, the
// standby is killed and comes back, and then the primary is killed, and the standby
// promoted: DATABASE_URL names both, so nothing else has to be done.
func TestADatabaseThatFailsOverLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	primary, standby := servers.PrivatePostgresPair(t)
	rig := newRigOn(t, slices.Concat(swift, brokerAndCache(t), []string{
		"DATABASE_URL=postgres://postgres@" + hostOf(t, primary.URL) + "," + hostOf(t, standby.URL) +
			"/postgres?sslmode=disable&target_session_attrs=read-write",
	})...)
	url := rig.value("DATABASE_URL")
	for level, want := range map[string]string{"on": "", "local": "FAIL", "remote_write": "FAIL"} {
		if found, _ := rig.examined("DATABASE_URL=" + url + "&synchronous_commit=" + level); found["durability"].Status != want {
			t.Errorf("of commits at level %s the doctor says %+v", level, found["durability"])
		}
	}
	gateways, clients := rig.pair()
	sending := func() {
		before := len(rig.ledger())
		eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) > before+100 })
	}
	for _, fault := range []struct {
		name       string
		begin, end func()
	}{
		{"the standby is killed", standby.Kill, standby.Start},
		{"the primary is killed", primary.Kill, standby.Promote},
	} {
		stop := steadily(clients, 4, 100*time.Millisecond)
		sending()
		fault.begin()
		clients[0].expectRefused(t, fault.name)
		fault.end()
		mended := time.Now()
		for i, client := range clients {
			client.expectSent(t, gateways[i], fault.name, time.Minute)
		}
		t.Logf("%s: texts were taken on and sent by both gateways %s after it was over", fault.name, time.Since(mended).Round(10*time.Millisecond))
		sending()
		stop()
	}
	ids := finish(clients)
	rig.verifyOnce(gateways[0], ids, 2*time.Minute)
	t.Logf("%d texts were answered for; the provider took on %d; they ended as %v", len(ids), len(rig.ledger()), rig.ends(gateways[0]))
	for _, gateway := range gateways {
		gateway.stop()
	}
}
