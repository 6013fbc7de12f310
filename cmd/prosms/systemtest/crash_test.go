package systemtest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/ports/crash"
)

// passings says at which passing a point kills: late enough for the points
// before it to have been passed by other texts. The others kill at the fifth.
var passings = map[crash.Point]int{
	crash.RequestRead: 1, crash.RequestCommitted: 1,
	crash.OptOutRecorded: 1, crash.WorkIssued: 1, crash.SubjectForgotten: 1,
	crash.DoubtRecorded: 1, crash.LookedUp: 1, crash.DoubtReconciled: 1,
	crash.RelayDone: 2, crash.ViewsAdvancing: 2, crash.ViewsAdvanced: 2,
}

// brokerOnly are points that only a bus with a broker passes.
var brokerOnly = []crash.Point{crash.WorkAcked}

// swift has doubts, retries and lost receipts settled within a test's time. The last
// look-up is late all the same: on a machine that is busy with other tests, the
// provider comes seconds later to a request that it has been sent.
var swift = []string{
	"PROSMS_PROVIDER_TIMEOUT=5s", "PROSMS_RECONCILE_DELAYS=1s,3s,15s", "PROSMS_RECONCILE_DELAYS_HIGH=1s,3s,15s",
	"PROSMS_RETRY_DELAYS=1s,2s", "PROSMS_RECEIPT_DELAYS=5s,10s,20s", "PROSMS_BREAKER_COOLDOWN=500ms",
}

// One installation is killed at every point in turn while texts of all sorts are
// under way, and started again each time. A point that is not passed fails.
func TestACrashAtAnyPointLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...)
			addr := freeAddr(t)
			texts := newTraffic(rig, addr)
			for _, point := range crash.Points {
				if !full && slices.Contains(brokerOnly, point) {
					continue
				}
				gateway := rig.launch(addr, fmt.Sprintf("PROSMS_TEST_CRASH=%s:%d", point, cmp.Or(passings[point], 5)))
				texts.send(rig.mixed(point))
				if point == crash.SubjectForgotten {
					gateway.forgetOne()
				}
				select {
				case <-gateway.exited:
				case <-time.After(2 * time.Minute):
					t.Fatalf("%s was not passed", point)
				}
				// What was logged at the same moment may stand behind the mark.
				if !strings.Contains(gateway.output.String(), crash.Mark+string(point)+"\n") {
					t.Fatalf("%s: the gateway ended by itself: %v", point, gateway.err)
				}
			}
			last := rig.launch(addr)
			ids := texts.finish()
			eventually(t, time.Minute, "ready", last.ready)
			rig.verifyOnce(last, ids, 3*time.Minute)
			eventually(t, time.Minute, "forgotten after the crash", func() bool {
				texts := last.textsTo(forgettable)
				return len(texts) == 1 && texts[0].Body == "[erased]"
			})
			last.stop()
		})
	}
}

// forgettable is whom forgetOne forgets.
const forgettable = "+14155552690"

// forgetOne forgets whoever has been sent a text; the answer may never come.
func (i *instance) forgetOne() {
	i.rig.t.Helper()
	eventually(i.rig.t, time.Minute, "ready", i.ready)
	eventually(i.rig.t, time.Minute, "delivered", func() bool {
		texts := i.textsTo(forgettable)
		return len(texts) == 1 && i.statusOf(texts[0].ID) == "delivered"
	})
	_, _ = i.call("POST", "/v1/subjects/forget", map[string]string{"number": forgettable}, nil)
}

// sentText is a text as the list has it.
type sentText struct{ ID, Body string }

func (i *instance) textsTo(number string) []sentText {
	i.rig.t.Helper()
	var page struct{ Data []sentText }
	if code, err := i.call("GET", "/v1/messages?to="+url.QueryEscape(number), nil, &page); err != nil || code != http.StatusOK {
		i.rig.t.Fatalf("listing: %d, %v", code, err)
	}
	return page.Data
}

// mixed returns texts that fare differently: most arrive, one is answered with an
// error though it was taken on, one is throttled twice, one is for later.
func (r *rig) mixed(point crash.Point) []outgoing {
	texts := r.plain(30)
	n := r.texts.Add(1)
	texts = append(texts,
		outgoing{To: sandbox.ToAcceptedFails, Body: fmt.Sprint("lost ", n)},
		outgoing{To: sandbox.ToThrottled, Body: fmt.Sprint("throttled ", n)},
		outgoing{To: "+14155552671", Body: fmt.Sprint("later ", n), SendAt: time.Now().Add(1500 * time.Millisecond).Format(time.RFC3339Nano)},
	)
	if point == crash.SubjectForgotten {
		texts = append(texts, outgoing{To: forgettable, Body: "forget me"})
	}
	if point == crash.OptOutRecorded {
		// Once only: from then on the number is known as opted out.
		texts = append(texts, outgoing{To: "+15005550004", Body: "opted out"})
	}
	return texts
}
