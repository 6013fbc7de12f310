package systemtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestIntakeGoesOnWithoutTheBrokerAndEverythingIsDeliveredAfterwards(t *testing.T) {
	t.Parallel()
	address, _ := servers.RabbitMQ(t)
	broker := newCable(t, hostOf(t, address))
	rig := newRig(t, true)
	rig.replace("RABBITMQ_URL", broker.through(address))
	gateway := rig.start()
	ids, err := gateway.sendBatch(200)
	if err != nil {
		t.Fatal(err)
	}
	broker.pull()
	for range 5 {
		more, err := gateway.sendBatch(100)
		if ids = append(ids, more...); err != nil {
			t.Errorf("without the broker: %v", err)
		}
	}
	var ready struct{ Status string }
	eventually(t, 10*time.Second, "degraded", func() bool {
		status, err := gateway.call("GET", "/readyz", nil, &ready)
		return err == nil && status == http.StatusOK && ready.Status == "degraded"
	})
	broker.plug()
	gateway.expectAllDelivered(ids, 60*time.Second)
	gateway.stop()
}

func TestIntakeRefusesWithoutTheStoreAndLosesNothing(t *testing.T) {
	t.Parallel()
	address := servers.Postgres(t)
	store := newCable(t, hostOf(t, address))
	rig := newRig(t, true)
	rig.replace("DATABASE_URL", store.through(rig.value("DATABASE_URL")))
	gateway := rig.start()
	ids, err := gateway.sendBatch(300)
	if err != nil {
		t.Fatal(err)
	}
	store.pull()
	response := gateway.post(t, `{"to":"+14155552671","body":"refused"}`)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("without the store: %d, Retry-After %q; want 503 with it", response.StatusCode, response.Header.Get("Retry-After"))
	}
	store.plug()
	eventually(t, 20*time.Second, "ready again", func() bool {
		status, err := gateway.call("GET", "/readyz", nil, nil)
		return err == nil && status == http.StatusOK
	})
	// What was being sent when the store went away is in doubt until it is looked up.
	gateway.expectAll(ids, []string{"delivered", "dispatched"}, 90*time.Second)
	gateway.stop()
}

// A store whose disk is full answers as ever, and takes nothing: so it is read from.
func TestAStoreThatTakesNoAppendsIsToldOf(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true)
	gateway := rig.start()
	rig.plant(`ALTER TABLE commits ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	if _, err := gateway.sendBatch(1); err == nil {
		t.Fatal("a text was accepted that cannot be in the log")
	}
	if said := read(t, gateway.admin+"/readyz?verbose"); !gateway.ready() || !strings.Contains(said, "[-] appends failed") || !strings.Contains(said, "readyz: degraded") {
		t.Errorf("while appends fail:\n%s", said)
	}
	rig.plant(`ALTER TABLE commits DROP CONSTRAINT full_disk`)
	if _, err := gateway.sendBatch(1); err != nil {
		t.Error(err)
	}
	if said := read(t, gateway.admin+"/readyz?verbose"); !strings.Contains(said, "[+] appends ok") || !strings.Contains(said, "readyz: ok") {
		t.Errorf("afterwards:\n%s", said)
	}
	gateway.stop()
}

// Nothing keeps two installations from using the same queues but being told.
func TestInstallationsThatShareQueuesAreTold(t *testing.T) {
	t.Parallel()
	one, other := newRig(t, true), newRig(t, true)
	other.replace("PROSMS_RABBITMQ_PREFIX", one.value("PROSMS_RABBITMQ_PREFIX"))
	var gateways []*instance
	for _, rig := range []*rig{one, other} {
		gateways = append(gateways, rig.start())
	}
	eventually(t, time.Minute, "both told of", func() bool {
		told := 0
		for _, gateway := range gateways {
			if _, err := gateway.sendBatch(5); err != nil {
				t.Fatal(err)
			}
			said := read(t, gateway.admin+"/readyz?verbose")
			if strings.Contains(said, "[-] queues failed") && strings.Contains(said, "last failure: frames of another installation") &&
				strings.Contains(gateway.output.String(), "another installation uses the same broker") {
				told++
			}
		}
		return told == len(gateways)
	})
	for _, gateway := range gateways {
		gateway.stop()
	}
}

// post sends a message as it is, with headers by name and value.
func (i *instance) post(t *testing.T, body string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", i.url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+i.rig.key)
	request.Header.Set("Content-Type", "application/json")
	for n := 0; n < len(headers); n += 2 {
		request.Header.Set(headers[n], headers[n+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}
