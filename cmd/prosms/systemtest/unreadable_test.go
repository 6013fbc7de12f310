package systemtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/crash"
)

func TestATextThatCannotBeReadStopsNoOther(t *testing.T) {
	t.Parallel()
	for _, stack := range []struct {
		name    string
		full    bool
		garbage string // what the type of the column allows
	}{{"embedded", false, `{"to":`}, {"full", true, `{"to":5}`}} {
		t.Run(stack.name, func(t *testing.T) {
			t.Parallel()
			s := newSubscriber(t)
			s.hangs = false
			r := newRig(t, stack.full, "PROSMS_WEBHOOK_ALLOW_PRIVATE=true", "PROSMS_WEBHOOK_RETRY_DELAYS=1s,1s,1s")
			i := r.start()
			s.secrets["/endpoint"] = i.secretOf("POST", "/v1/webhooks", map[string]any{"url": s.url + "/endpoint"})
			i.stop()
			// The one frame of work is at hand and nothing of it is claimed: what a crash has left
			// attempted waits for a view that stands still (GUARANTEES, known limits).
			i = r.launch(freeAddr(t), "PROSMS_TEST_CRASH="+string(crash.WorkDelivered))
			eventually(t, 20*time.Second, "ready", i.ready)
			_, _ = i.sendBatch(3) // answered or not: the commit was before
			<-i.exited
			// The relay may have noted that it has handed them on, to a queue that went with it.
			r.plant(`UPDATE relay_offsets SET position = 0`)
			var texts []events.Recorded
			r.look(func(st stores) {
				log, err := st.events.Read(t.Context(), 0, 1000)
				if err != nil {
					t.Fatal(err)
				}
				texts = slices.DeleteFunc(log, func(e events.Recorded) bool { return e.Type != "message.accepted" })
			})
			if len(texts) != 3 {
				t.Fatalf("%d texts are in the log", len(texts))
			}
			bad, others := texts[1], []string{texts[0].StreamID, texts[2].StreamID}
			set := func(data string) {
				r.plant(fmt.Sprintf(`UPDATE events SET data = '%s' WHERE position = %d`, strings.ReplaceAll(data, "'", "''"), bad.Position))
			}
			set(stack.garbage)

			i = r.start()
			eventually(t, 30*time.Second, "the others are delivered", func() bool {
				return !slices.ContainsFunc(others, func(id string) bool { return i.statusOf(id) != "delivered" })
			})
			eventually(t, 30*time.Second, "the others' webhooks are posted", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return len(s.heard["/endpoint "+others[0]]) == 4 && len(s.heard["/endpoint "+others[1]]) == 4
			})
			eventually(t, 20*time.Second, "it is told of", func() bool {
				series, _ := i.scrape()
				said := read(t, i.url+"/readyz?verbose")
				return series["events_unreadable"] == 1 && strings.Contains(said, "[-] log failed") &&
					strings.Contains(said, "last failure: an event that cannot be read") && strings.Contains(said, "readyz: degraded")
			})
			if n := strings.Count(i.output.String(), "an event cannot be read"); n != 1 {
				t.Errorf("told %d times", n)
			}
			i.stop()
			if said := r.command("explain", bad.StreamID); !strings.Contains(said, "is held: an event of it cannot be read") ||
				!strings.Contains(said, fmt.Sprintf("position %d cannot be read", bad.Position)) || !strings.Contains(said, "next: nothing") {
				t.Errorf("explained:\n%s", said)
			}

			set(string(bad.RawData))
			i = r.start()
			eventually(t, 90*time.Second, "mended, it is delivered", func() bool { return i.statusOf(bad.StreamID) == "delivered" })
			eventually(t, 30*time.Second, "and its webhooks are posted", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return slices.Equal(s.heard["/endpoint "+bad.StreamID], []int{1, 2, 3, 4})
			})
			i.stop()
			r.verified()
		})
	}
}
