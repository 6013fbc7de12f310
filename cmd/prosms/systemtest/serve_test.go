package systemtest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stacks are the two ways to run: the same tests hold for both.
var stacks = map[string]bool{"embedded": false, "full": true}

func TestThousandsOfTextsAreSentExactlyOnce(t *testing.T) {
	t.Parallel()
	n := 2_000
	if long() {
		n = 10_000
	}
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			gateway := rig.start()
			ids, err := gateway.sendBatch(n)
			if err != nil {
				t.Fatal(err)
			}
			gateway.expectAllDelivered(ids, 3*time.Minute)
			for _, id := range ids[:50] {
				gateway.expectTypes(id, "message.accepted", "message.attempted", "message.dispatched", "message.delivered")
			}
			gateway.expectViewEqualsLog()
			gateway.stop()
		})
	}
}

func (i *instance) expectAllDelivered(ids []string, limit time.Duration) {
	i.rig.t.Helper()
	i.expectAll(ids, []string{"delivered"}, limit)
}

// expectAll waits until the view shows every one of ids at rest or in one of the
// statuses. Then it holds the provider's ledger against them: each text exactly
// once, and no other.
func (i *instance) expectAll(ids, want []string, limit time.Duration) {
	t := i.rig.t
	t.Helper()
	onItsWay := func(status string) bool {
		return !slices.Contains(want, status) &&
			slices.Contains([]string{"", "accepted", "scheduled", "dispatching", "retrying", "in_doubt", "dispatched"}, status)
	}
	var statuses map[string]string
	eventually(t, limit, "all "+strings.Join(want, " or "), func() bool {
		// A cheap question first: the list of everything is long. But a view that
		// is behind may not know of every text yet.
		for _, status := range []string{"accepted", "dispatching", "dispatched"} {
			if onItsWay(status) && i.any(status) {
				return false
			}
		}
		statuses = i.statuses()
		return !slices.ContainsFunc(ids, func(id string) bool { return onItsWay(statuses[id]) })
	})
	accepted := i.rig.accepted()
	wrong := 0
	for _, id := range ids {
		if !slices.Contains(want, statuses[id]) || accepted[id] != 1 {
			if wrong++; wrong <= 5 {
				t.Errorf("%s is %q, and the provider took it on %d times", id, statuses[id], accepted[id])
			}
		}
		delete(accepted, id)
	}
	if wrong > 0 {
		t.Errorf("%d of %d texts are wrong", wrong, len(ids))
	}
	if len(accepted) > 0 {
		t.Errorf("the provider took %d texts on that were never answered for", len(accepted))
	}
}

// expectViewEqualsLog compares a page of the view, row by row, with the same
// messages as they are folded from the log.
func (i *instance) expectViewEqualsLog() {
	t := i.rig.t
	t.Helper()
	var page struct{ Data []map[string]any }
	if code, err := i.call("GET", "/v1/messages?limit=100", nil, &page); err != nil || code != http.StatusOK || len(page.Data) != 100 {
		t.Fatalf("listing: %d, %d rows, %v", code, len(page.Data), err)
	}
	for _, row := range page.Data {
		var folded map[string]any
		if code, err := i.call("GET", fmt.Sprintf("/v1/messages/%s", row["id"]), nil, &folded); err != nil || code != http.StatusOK {
			t.Fatalf("getting %s: %d, %v", row["id"], code, err)
		}
		if !reflect.DeepEqual(row, folded) {
			t.Errorf("the view shows %v\nthe log gives %v", row, folded)
		}
	}
}

func (i *instance) expectTypes(id string, want ...string) {
	i.rig.t.Helper()
	var got []string
	for _, e := range i.timeline(id) {
		got = append(got, e.Type)
	}
	if !slices.Equal(got, want) {
		i.rig.t.Errorf("%s: %s\nwant %s", id, strings.Join(got, " "), strings.Join(want, " "))
	}
}

func TestTwoInstancesShareTheWorkAndOneTakesOverFromTheOther(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true).raced()
	one, two := rig.start(), rig.start()
	var ids []string
	var mu sync.Mutex
	var sending sync.WaitGroup
	for _, gateway := range []*instance{one, two} {
		sending.Go(func() {
			sent, err := gateway.sendBatch(1000)
			mu.Lock()
			defer mu.Unlock()
			if ids = append(ids, sent...); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	two.expectAllDelivered(ids, 2*time.Minute)

	one.kill()
	killed := time.Now()
	more, err := two.sendBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, "delivered by the instance that is left", func() bool {
		return two.statusOf(more[0]) == "delivered"
	})
	t.Logf("the other instance had delivered the next text %s after the kill", time.Since(killed).Round(time.Millisecond))
	two.stop()
}

func TestAKilledGatewayLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...)
			if full { // SQLite without cgo is too slow for that under the race detector
				rig.raced()
			}
			var ids []string
			for round := range 3 {
				gateway := rig.start()
				sent, err := gateway.sendBatch(500)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, sent...)
				// Somewhere in the middle of the work: neither before the first call
				// to the provider nor after the last.
				before := len(rig.accepted())
				eventually(t, 20*time.Second, "sending", func() bool { return len(rig.accepted()) > before+50*(round+1) })
				gateway.kill()
			}
			gateway := rig.start()
			// Receipts that came while nobody listened are gone, and asked for.
			gateway.expectAllDelivered(ids, 2*time.Minute)
			gateway.stop()
		})
	}
}

// Texts alike to one recipient cannot be told apart by a look-up. Whichever of
// them is bound to what the provider has, each has to arrive once.
func TestAKilledGatewaySendsEachOfManyTextsAlikeOnce(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false, swift...)
	const n = 60
	var ids []string
	for range 3 {
		gateway := rig.start()
		before := len(rig.accepted())
		for range n / 3 {
			var answer struct{ ID string }
			if status, err := gateway.call("POST", "/v1/messages", outgoing{To: "+14155552671", Body: "alike"}, &answer); err != nil || status != http.StatusAccepted {
				t.Fatalf("sending: %d, %v", status, err)
			}
			ids = append(ids, answer.ID)
		}
		eventually(t, 20*time.Second, "sending", func() bool { return len(rig.accepted()) > before })
		gateway.kill()
	}
	gateway := rig.start()
	eventually(t, 2*time.Minute, "settled", func() bool {
		for _, status := range gateway.statuses() {
			if status != "delivered" && status != "dispatched" {
				return false
			}
		}
		return true
	})
	if count := rig.provider.Ledger(0, 1).Accepted; count != int64(len(ids)) {
		t.Errorf("the provider took %d texts on for %d messages", count, len(ids))
	}
	gateway.stop()
}

func TestASecondRunKnowsTheFirst(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	first := rig.start()
	ids, err := first.sendBatch(3)
	if err != nil {
		t.Fatal(err)
	}
	first.expectAllDelivered(ids, 20*time.Second)
	first.stop()
	second := rig.start()
	for _, id := range ids {
		if status := second.statusOf(id); status != "delivered" {
			t.Errorf("%s is %q in the second run", id, status)
		}
	}
	second.stop()
}

func TestALostResponseIsFoundAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...)
			gateway := rig.start()
			// Number 14 is accepted, and answered with 503.
			var answer struct{ ID string }
			status, err := gateway.call("POST", "/v1/messages", outgoing{To: "+15005550014", Body: "lost"}, &answer)
			if err != nil || status != http.StatusAccepted {
				t.Fatalf("sending: %d, %v", status, err)
			}
			eventually(t, 30*time.Second, "delivered", func() bool { return gateway.statusOf(answer.ID) == "delivered" })
			if n := rig.accepted()[answer.ID]; n != 1 {
				t.Errorf("the provider took it on %d times", n)
			}
			var types []string
			for _, e := range gateway.timeline(answer.ID) {
				types = append(types, e.Type)
			}
			t.Log(fmt.Sprint(types))
			gateway.stop()
		})
	}
}
