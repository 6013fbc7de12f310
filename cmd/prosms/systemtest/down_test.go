package systemtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

// A provider is down for long while texts come in: the breaker opens, what waits
// uses no attempt and no memory, and once the provider is back everything goes out,
// the urgent first.
func TestAProviderThatIsDownUnderLoadCostsTimeAndNoAttempt(t *testing.T) {
	lasts := 10 * time.Second
	if long() {
		lasts = 5 * time.Minute
	}
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...)
			rig.replace("PROSMS_RATE_PER_KEY", "0")
			provider := newCable(t, hostOf(t, rig.value("TWILIO_API_BASE_URL")))
			rig.replace("TWILIO_API_BASE_URL", provider.through(rig.value("TWILIO_API_BASE_URL")))
			gateway := rig.launch(freeAddr(t))
			eventually(t, time.Minute, "ready", gateway.ready)

			provider.pull()
			ids, resident := gateway.load(lasts)
			if !strings.Contains(gateway.output.String(), "breaker is open") {
				t.Error("no breaker opened")
			}
			fifth := len(resident) / 5
			first, last := most(resident[:fifth]), most(resident[len(resident)-fifth:])
			if last > first+200 { // the race detector multiplies what comes and goes
				t.Errorf("%d MiB in memory at first, %d MiB in the end", first, last)
			}
			began := time.Now()
			provider.plug()
			rig.verifyOnce(gateway, ids, 2*lasts+3*time.Minute)
			took := time.Since(began).Round(100 * time.Millisecond)

			rank := gateway.ranks()
			if rank["high"] >= rank["normal"] || rank["normal"] >= rank["bulk"] {
				t.Errorf("the lanes went out on average as number %v of all", rank)
			}
			gateway.stop()

			transitions, attempts := rig.log()
			openings := strings.Count(strings.Join(transitions, " "), "breaker.opened")
			// Those under way when it opened, and three probes each time after that.
			if limit := len(ids) + 128 + 3*openings; attempts > limit {
				t.Errorf("%d attempts for %d texts and %d openings, want at most %d", attempts, len(ids), openings, limit)
			}
			t.Logf("%d texts in %s, %d to %d MiB; settled %s after it was back; %d attempts, %d openings; ranks %v",
				len(ids), lasts, first, last, took, attempts, openings, rank)
		})
	}
}

// load sends 300 texts a second, of all lanes, and returns their ids and how much
// was in memory meanwhile, in MiB.
func (i *instance) load(lasts time.Duration) (ids []string, resident []int) {
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(lasts); time.Now().Before(end); <-tick.C {
		taken, answer := i.ask(client, i.rig.plain(30))
		if answer != "202" {
			i.rig.t.Fatalf("intake answered %s although only the provider is down", answer)
		}
		ids = append(ids, taken...)
		resident = append(resident, residentMiB(i.rig.t, i.process.Process.Pid))
	}
	return ids, resident
}

// ranks returns, by lane, at which place its texts were dispatched on average.
func (i *instance) ranks() map[string]int {
	lanes, places, counts, n := map[string]string{}, map[string]int{}, map[string]int{}, 0
	recorded, _ := i.log("0")
	for _, e := range recorded {
		switch d := e.Data.(type) {
		case events.MessageAccepted:
			lanes[e.StreamID] = d.Lane
		case events.MessageDispatched:
			n++
			places[lanes[e.StreamID]] += n
			counts[lanes[e.StreamID]]++
		}
	}
	for lane, count := range counts {
		places[lane] /= count
	}
	return places
}

func most(values []int) (m int) {
	for _, v := range values {
		m = max(m, v)
	}
	return m
}
