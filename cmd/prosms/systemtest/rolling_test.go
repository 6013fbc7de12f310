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

// Three instances are replaced one after the other while texts keep coming, as a
// deployment does it. What is under way is finished by whoever claimed it, so there
// is not even a doubt.
func TestARollingRestartUnderLoadLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true, "PROSMS_RECEIPT_DELAYS=5s,10s,20s", "PROSMS_RECONCILE_DELAYS=1s,2s", "PROSMS_RETRY_DELAYS=1s,2s")
	const instances, each = 3, 8
	var running [instances]*instance
	var clients [instances]*traffic
	for n := range instances {
		running[n] = rig.start()
		clients[n] = newTraffic(rig, strings.TrimPrefix(running[n].url, "http://"))
	}
	stop := steadily(clients[:], each, 50*time.Millisecond)
	for n, old := range running {
		before := len(rig.ledger())
		eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) > before+5*each })
		old.stop()
		running[n] = rig.launch(strings.TrimPrefix(old.url, "http://"))
		eventually(t, 20*time.Second, "ready again", running[n].ready)
	}
	sent := stop()
	var ids []string
	for _, client := range clients {
		ids = append(ids, client.finish()...)
	}
	if len(ids) != sent {
		t.Errorf("%d texts were sent, %d answered for", sent, len(ids))
	}
	rig.verifyOnce(running[0], ids, 60*time.Second)
	t.Logf("%d texts while all %d instances were replaced: the provider took on %d", sent, instances, len(rig.ledger()))
	for _, i := range running {
		i.stop()
	}
}

func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	if err := rig.provider.Script(sandbox.Fault{Do: sandbox.Slowly, For: events.Duration(20 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	gateway := rig.start()
	if _, err := gateway.sendBatch(1); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "sending", func() bool { return rig.provider.Ledger(0, 1).Requests > 0 })
	if err := gateway.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "no longer serving", func() bool { return !gateway.ready() })
	// Whoever is impatient asks again; one that comes amid the first is part of it.
	eventually(t, 5*time.Second, "ended", func() bool {
		_ = gateway.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-gateway.exited:
			return true
		default:
			return false
		}
	})
}

func TestServeWaitsForADatabaseThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true)
	host := hostOf(t, rig.value("DATABASE_URL"))
	wire := newCable(t, host)
	wire.pull()
	rig.replace("DATABASE_URL", wire.through(rig.value("DATABASE_URL")))
	gateway := rig.launch(freeAddr(t))
	eventually(t, 10*time.Second, "said to wait", func() bool {
		return strings.Contains(gateway.output.String(), "waiting for the database")
	})
	for _, url := range []string{gateway.url, gateway.admin} {
		if !answersWell(url+"/livez") || answersWell(url+"/readyz") {
			t.Errorf("while it waits, %s does not live, or is ready", url)
		}
	}
	if response := gateway.post(t, "{}"); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("while it waits a text is answered with %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
	wire.plug()
	eventually(t, 20*time.Second, "ready", gateway.ready)
	gateway.stop()

	wire.pull()
	waiting := rig.launch(freeAddr(t))
	eventually(t, 10*time.Second, "alive", func() bool { return answersWell(waiting.url + "/livez") })
	waiting.stop()
	began := time.Now()
	_, _, err := prosms(t, append(rig.environ, "PROSMS_START_TIMEOUT=1s", "PROSMS_HTTP_ADDR=127.0.0.1:0", "PROSMS_ADMIN_ADDR=127.0.0.1:0"), "serve")
	if took := time.Since(began); err == nil || took < time.Second {
		t.Errorf("without a database it ended after %s: %v", took, err)
	}
}

// Whatever starts last: intake does not wait for broker and cache, and sending
// begins when they are there.
func TestServeStartsBeforeBrokerAndCache(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true)
	broker, cache := newCable(t, hostOf(t, rig.value("RABBITMQ_URL"))), newCable(t, hostOf(t, rig.value("REDIS_URL")))
	broker.pull()
	cache.pull()
	rig.replace("RABBITMQ_URL", broker.through(rig.value("RABBITMQ_URL")))
	rig.replace("REDIS_URL", cache.through(rig.value("REDIS_URL")))
	gateway := rig.start()
	ids, err := gateway.sendBatch(20)
	if err != nil {
		t.Fatal(err)
	}
	var ready struct{ Status string }
	if status, err := gateway.call("GET", "/readyz", nil, &ready); err != nil || status != http.StatusOK || ready.Status != "degraded" {
		t.Errorf("without broker and cache: %d %s, %v", status, ready.Status, err)
	}
	broker.plug()
	cache.plug()
	gateway.expectAllDelivered(ids, 60*time.Second)
	eventually(t, 20*time.Second, "whole", func() bool {
		_, err := gateway.call("GET", "/readyz", nil, &ready)
		return err == nil && ready.Status == "ok"
	})
	gateway.stop()
}
