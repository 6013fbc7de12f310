package systemtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/events"
)

func TestTextsWaitForAProviderThatIsDownAndUseNoAttempt(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_BREAKER_COOLDOWN=1s", "PROSMS_RETRY_DELAYS=1s,2s", "PROSMS_DISPATCH_CONCURRENCY=32")
			provider := newCable(t, hostOf(t, rig.value("TWILIO_API_BASE_URL")))
			rig.replace("TWILIO_API_BASE_URL", provider.through(rig.value("TWILIO_API_BASE_URL")))
			gateway := rig.start()
			ids, err := gateway.sendBatch(100)
			if err != nil {
				t.Fatal(err)
			}
			gateway.expectAllDelivered(ids, 30*time.Second)

			provider.pull()
			more, err := gateway.sendBatch(1000)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, 30*time.Second, "probed twice in vain", func() bool {
				return strings.Count(gateway.output.String(), "breaker is half-open") >= 2
			})
			if gateway.any("dead_lettered") {
				t.Error("a text was given up although its provider was down")
			}
			provider.plug()
			gateway.expectAllDelivered(append(ids, more...), 120*time.Second)
			gateway.stop()

			transitions, attempts := rig.log()
			if n := len(transitions); n < 4 || transitions[0] != "breaker.opened" || transitions[n-1] != "breaker.closed" {
				t.Errorf("transitions %v", transitions)
			}
			openings := 0
			for _, transition := range transitions {
				if transition == "breaker.opened" {
					openings++
				}
			}
			// Those under way when it opened, and three probes each time after that.
			if most := len(ids) + len(more) + 32 + 3*openings; attempts > most {
				t.Errorf("%d attempts for %d texts and %d openings, want at most %d", attempts, len(ids)+len(more), openings, most)
			}
			lines := strings.Split(strings.TrimSpace(rig.command("breaker", "list")), "\n")
			if got := strings.Fields(lines[len(lines)-1]); !slices.Equal(got, []string{"twilio", "closed", "probes", "-", "0"}) {
				t.Errorf("breaker list ends with %q", got)
			}
		})
	}
}

// log returns the transitions of the breaker, and how many attempts were made.
func (r *rig) log() (transitions []string, attempts int) {
	r.t.Helper()
	r.look(func(st stores) {
		for after := int64(0); ; {
			page, err := st.events.Read(r.t.Context(), after, 1000)
			if err != nil {
				r.t.Fatal(err)
			}
			if len(page) == 0 {
				return
			}
			for _, e := range page {
				after = e.Position
				if _, ok := e.Data.(events.MessageAttempted); ok {
					attempts++
				}
				if e.StreamID == "breaker_"+twilio.DefaultName {
					transitions = append(transitions, e.Type)
				}
			}
		}
	})
	return transitions, attempts
}

func TestAnOperatorOpensABreakerOfInstancesThatRun(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true)
	one, two := rig.start(), rig.start()
	if said := rig.command("breaker", "open", "twilio", "--reason", "maintenance"); !strings.Contains(said, "twilio is open until closed by hand") {
		t.Errorf("open says %q", said)
	}
	for _, gateway := range []*instance{one, two} {
		eventually(t, 5*time.Second, "open", func() bool { return strings.Contains(gateway.output.String(), "breaker is open") })
	}
	ids, err := one.sendBatch(50)
	if err != nil {
		t.Fatal(err)
	}
	// A text of a test key goes to the sandbox, whose breaker is closed.
	lines := strings.Split(strings.TrimSpace(rig.command("keys", "create", "--tenant", "acme", "--scope", "admin", "--test")), "\n")
	live := rig.key
	rig.key = lines[len(lines)-1]
	var answer struct{ ID string }
	if code, err := one.call("POST", "/v1/messages", outgoing{To: "+14155552671", Body: "test", Lane: "high"}, &answer); err != nil || code != 202 {
		t.Fatalf("sending: %d, %v", code, err)
	}
	eventually(t, 10*time.Second, "sent by the sandbox", func() bool {
		return slices.Contains([]string{"dispatched", "delivered"}, two.statusOf(answer.ID))
	})
	rig.key = live
	if n := len(rig.accepted()); n != 0 {
		t.Errorf("%d texts went to a provider whose breaker is open", n)
	}
	if list := rig.command("breaker", "list"); !strings.Contains(list, "operator: maintenance") {
		t.Errorf("breaker list:\n%s", list)
	}
	one.stop() // the texts that it holds go back to the queue
	one = rig.start()
	rig.command("breaker", "close", "twilio", "--reason", "done")
	two.expectAllDelivered(ids, 30*time.Second)
	one.stop()
	two.stop()
}

func TestTheBreakerCommandRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	gateway := rig.start()
	for want, args := range map[string][]string{
		"a gateway is probably running": {"breaker", "open", "twilio", "--reason", "x"},
		"missing flags":                 {"breaker", "open", "twilio"},
	} {
		if _, err := rig.attempt(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("prosms %s: %v, want %q", strings.Join(args, " "), err, want)
		}
	}
	if list := rig.command("breaker", "list"); !strings.Contains(list, "closed") { // beside the gateway
		t.Errorf("breaker list:\n%s", list)
	}
	gateway.stop()
	for want, args := range map[string][]string{
		"no such provider": {"breaker", "open", "acme", "--reason", "x"},
		"--reason":         {"breaker", "open", "twilio", "--reason", " "},
		"--for":            {"breaker", "open", "twilio", "--reason", "x", "--for=-1s"},
	} {
		if _, err := rig.attempt(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("prosms %s: %v, want %q", strings.Join(args, " "), err, want)
		}
	}
}
