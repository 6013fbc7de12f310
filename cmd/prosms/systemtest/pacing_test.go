package systemtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// All instances together keep to the pace of a provider and of each sender. What is
// too fast waits: nothing is refused, deferred or tried twice, and urgent texts go first.
func TestTextsWaitForThePaceOfTheirProviderAndSender(t *testing.T) {
	const perProvider, perSender = 30, 20
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, fmt.Sprint("PROSMS_PROVIDER_MPS=", perProvider), fmt.Sprint("PROSMS_SENDER_MPS=", perSender), "PROSMS_PUMPING_FUSE=off")
			gateways := []*instance{rig.start()}
			if full {
				gateways = append(gateways, rig.start())
			}
			gateway := gateways[0]
			const bulk = "+14155550100"
			ids := gateway.sendFrom("bulk", 60, bulk)
			ids = append(ids, gateway.sendFrom("high", 90, "+14155550101", "+14155550102", "+14155550103", "+14155550104", "+14155550105")...)
			gateway.expectAllDelivered(ids, 30*time.Second)
			for _, id := range ids {
				gateway.expectTypes(id, "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
			}
			var slow, urgent []time.Time
			for _, entry := range rig.ledger() {
				if entry.From == bulk {
					slow = append(slow, entry.AcceptedAt)
				} else {
					urgent = append(urgent, entry.AcceptedAt)
				}
			}
			each := 1
			for _, g := range gateways {
				g.stop()
				if strings.Contains(g.output.String(), "counted by each instance for itself") {
					each = len(gateways) // Redis was too slow: each of them keeps to the pace
				}
			}
			expectPace(t, "one sender", slow, each*perSender)
			expectPace(t, "the provider", slices.Concat(slow, urgent), each*perProvider)
			first, last := slices.MinFunc(urgent, time.Time.Compare), slices.MaxFunc(urgent, time.Time.Compare)
			meanwhile := 0
			for _, at := range slow {
				if at.After(first) && at.Before(last) {
					meanwhile++
				}
			}
			t.Logf("%d bulk texts went while %d urgent ones did", meanwhile, len(urgent))
			if meanwhile > len(urgent)/2 {
				t.Errorf("%d bulk texts went while %d urgent ones did", meanwhile, len(urgent))
			}
		})
	}
}

// sendFrom sends n texts of a lane, from senders in turn, and returns their ids.
func (i *instance) sendFrom(lane string, n int, senders ...string) []string {
	i.rig.t.Helper()
	type text struct {
		outgoing
		From string `json:"from"`
	}
	var request struct {
		Messages []text `json:"messages"`
	}
	for k := range n {
		request.Messages = append(request.Messages, text{outgoing{To: sandbox.ToDelivered, Body: "paced", Lane: lane}, senders[k%len(senders)]})
	}
	var answer struct{ Results []struct{ ID string } }
	if status, err := i.call("POST", "/v1/messages/batch", request, &answer); err != nil || status != http.StatusAccepted {
		i.rig.t.Fatalf("sending: %d, %v", status, err)
	}
	var ids []string
	for _, result := range answer.Results {
		ids = append(ids, result.ID)
	}
	return ids
}

// expectPace expects arrivals to have taken as long as a rate a second makes them, less
// a fifth: how long each was on its way differs.
func expectPace(t *testing.T, whose string, arrivals []time.Time, rate int) {
	t.Helper()
	took := slices.MaxFunc(arrivals, time.Time.Compare).Sub(slices.MinFunc(arrivals, time.Time.Compare))
	least := time.Duration(len(arrivals)-rate/10) * time.Second / time.Duration(rate)
	if took < least*4/5 {
		t.Errorf("%d texts of %s took %v, want %v at %d a second", len(arrivals), whose, took, least, rate)
	}
	t.Logf("%d texts of %s took %v", len(arrivals), whose, took)
}
