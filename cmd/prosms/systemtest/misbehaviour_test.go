package systemtest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

// Everything that the sandbox can do wrong happens in one run, at random.
func TestAProviderThatMisbehavesGetsEveryTextOnce(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The provider fails most of the time, and is to be called all the same.
			rig := newRig(t, full, slices.Concat(swift, []string{
				"PROSMS_MAX_RETRIES=15", "PROSMS_BREAKER_MIN_REQUESTS=1000000", "PROSMS_BREAKER_CONSECUTIVE=1000000",
				"PROSMS_PROVIDER_TIMEOUT=1s",
			})...)
			script := []sandbox.Fault{
				sandbox.Fault{Do: sandbox.Slowly, Every: 7, Times: 15, For: events.Duration(300 * time.Millisecond)},
				sandbox.Fault{Do: sandbox.Slowly, Every: 11, Times: 10, For: events.Duration(2 * time.Second)}, // beyond the timeout
				sandbox.Fault{Do: sandbox.Drop, Every: 5, Times: 20},
				sandbox.Fault{Do: sandbox.Drop, Every: 6, Times: 20, Accept: true},
				sandbox.Fault{Do: sandbox.Hang, Every: 9, Times: 10, For: events.Duration(3 * time.Second)},
				sandbox.Fault{Do: sandbox.Hang, Every: 10, Times: 10, For: events.Duration(3 * time.Second), Accept: true},
				sandbox.Fault{Do: sandbox.Fail, Every: 4, Times: 20},
				sandbox.Fault{Do: sandbox.Fail, Every: 4, Times: 20, Status: 503, Accept: true},
				sandbox.Fault{Do: sandbox.Throttle, Every: 3, Times: 20, RetryAfter: 1},
				sandbox.Fault{Do: sandbox.Junk, Every: 8, Times: 10},
				sandbox.Fault{Do: sandbox.Junk, Every: 8, Times: 10, Accept: true},
				sandbox.Fault{Every: 5, Times: 20, Callbacks: &sandbox.Callbacks{Duplicate: true, Reorder: true}},
				sandbox.Fault{Every: 5, Times: 20, Callbacks: &sandbox.Callbacks{Drop: true}},
				sandbox.Fault{Every: 5, Times: 20, Callbacks: &sandbox.Callbacks{WrongSignature: true}},
			}
			if err := rig.provider.Script(script...); err != nil {
				t.Fatal(err)
			}
			addr := freeAddr(t)
			gateway := rig.launch(addr)
			eventually(t, time.Minute, "ready", gateway.ready)
			texts := newTraffic(rig, addr)
			for range 10 {
				texts.send(rig.plain(60))
			}
			for n, to := range []string{
				sandbox.ToDelivered, sandbox.ToUndelivered, sandbox.ToFiltered, sandbox.ToOptedOutLate, sandbox.ToAcceptedFails,
				sandbox.ToThrottled, sandbox.ToUntidy, "+15005550002", "+15005550003", "+15005550004", "+15005550009",
			} {
				texts.send([]outgoing{{To: to, Body: fmt.Sprint("magic ", n)}})
			}
			ids := texts.finish()
			rig.verify(gateway, ids, 2*time.Minute)
			left := rig.provider.Faults()
			for _, f := range left {
				if slices.ContainsFunc(script, func(whole sandbox.Fault) bool { return reflect.DeepEqual(f, whole) }) {
					t.Errorf("%+v never happened", f)
				}
			}
			t.Logf("%d of %d faults are used up", len(script)-len(left), len(script))
			gateway.stop()
		})
	}
}

// A provider that is gone answers nobody, not even look-ups; its texts wait.
func TestAProviderThatIsGoneGetsItsTextsWhenItIsBack(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false, append([]string{"PROSMS_MAX_RETRIES=15"}, swift...)...)
	addr := freeAddr(t)
	gateway := rig.launch(addr)
	eventually(t, time.Minute, "ready", gateway.ready)
	texts := newTraffic(rig, addr)
	if err := rig.provider.Script(sandbox.Fault{Do: sandbox.Offline}); err != nil {
		t.Fatal(err)
	}
	texts.send(rig.plain(50))
	ids := texts.finish()
	eventually(t, 20*time.Second, "in doubt", func() bool { return gateway.any("in_doubt") })
	rig.provider.ClearScript()
	rig.verify(gateway, ids, 2*time.Minute)
	gateway.stop()
}
