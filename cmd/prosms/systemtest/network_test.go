package systemtest

import (
	"testing"
	"time"
)

// weathers are what networks do, and for how long here.
var weathers = []struct {
	name string
	weather
	lasts time.Duration
}{
	{"slow", weather{delay: 300 * time.Millisecond}, 3 * time.Second},
	{"cut now and then", weather{cuts: 20}, 3 * time.Second},
	{"still", weather{still: true}, 3 * time.Second},
	{"deaf", weather{deaf: true}, 3 * time.Second},
}

// Between the gateway and each of its neighbours the network is slow, cuts
// connections, keeps still, and loses answers, while texts are taken on and sent.
func TestABadNetworkCostsTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, neighbour := range []struct{ name, setting string }{
		{"the store", "DATABASE_URL"}, {"the broker", "RABBITMQ_URL"}, {"the cache", "REDIS_URL"}, {"the provider", "TWILIO_API_BASE_URL"},
	} {
		t.Run(neighbour.name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, true, swift...)
			rig.replace("PROSMS_RATE_PER_KEY", "100000")
			line := newCable(t, hostOf(t, rig.value(neighbour.setting)))
			rig.replace(neighbour.setting, line.through(rig.value(neighbour.setting)))
			addr := freeAddr(t)
			gateway := rig.launch(addr)
			eventually(t, time.Minute, "ready", gateway.ready)
			texts := newTraffic(rig, addr)
			for _, w := range weathers {
				line.expose(w.weather)
				for begun := time.Now(); time.Since(begun) < w.lasts; time.Sleep(w.lasts / 8) {
					texts.send(rig.plain(10))
				}
				line.expose(weather{})
				mended := time.Now()
				texts.expectSent(t, gateway, "the way to "+neighbour.name+" was "+w.name, 90*time.Second)
				t.Logf("%s: texts went out again after %s", w.name, time.Since(mended).Round(10*time.Millisecond))
			}
			rig.verify(gateway, texts.finish(), 2*time.Minute)
			gateway.stop()
		})
	}
}
