package systemtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// refusing is a provider that takes nobody's number.
var refusing = sandbox.Fault{Do: sandbox.Fail, Status: http.StatusBadRequest, Code: 21211}

// replayed is a replay as the API shows it.
type replayed struct {
	ID, Status                                         string
	Selected, Pending, Redriven, Sent, Skipped, Failed int
	LastChange                                         *struct{ By, Reason string } `json:"last_change"`
}

// deadLetters has n texts refused and returns their ids once all are in the list.
func (i *instance) deadLetters(n int) []string {
	i.rig.t.Helper()
	if err := i.rig.provider.Script(refusing); err != nil {
		i.rig.t.Fatal(err)
	}
	ids, err := i.sendBatch(n)
	if err != nil {
		i.rig.t.Fatal(err)
	}
	eventually(i.rig.t, 60*time.Second, "dead letters", func() bool {
		var groups struct{ Data []struct{ Count int } }
		status, err := i.call("GET", "/v1/dead-letters?group_by=error", nil, &groups)
		return err == nil && status == http.StatusOK && len(groups.Data) == 1 && groups.Data[0].Count == n
	})
	return ids
}

func (i *instance) replay(body map[string]any) replayed {
	i.rig.t.Helper()
	var answer replayed
	if status, err := i.call("POST", "/v1/dead-letters/replay", body, &answer); err != nil || status != http.StatusAccepted {
		i.rig.t.Fatalf("replaying: %d, %v", status, err)
	}
	return answer
}

func (i *instance) getReplay(id string) replayed {
	i.rig.t.Helper()
	var answer replayed
	if status, err := i.call("GET", "/v1/replays/"+id, nil, &answer); err != nil || status != http.StatusOK {
		i.rig.t.Fatalf("getting %s: %d, %v", id, status, err)
	}
	return answer
}

// expectSentOnce checks that each message was redriven once and taken on once.
func (i *instance) expectSentOnce(ids []string) {
	i.rig.t.Helper()
	accepted := i.rig.accepted()
	for _, id := range ids {
		redriven := 0
		for _, e := range i.timeline(id) {
			if e.Type == "message.redriven" {
				redriven++
			}
		}
		if redriven != 1 || accepted[id] != 1 {
			i.rig.t.Errorf("%s was redriven %d times and taken on %d times", id, redriven, accepted[id])
		}
	}
}

func TestDeadLettersAreReplayedOnceTheProviderIsMended(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			gateway := rig.start()
			ids := gateway.deadLetters(12)
			if status, err := gateway.call("POST", "/v1/dead-letters/"+ids[0]+"/discard", map[string]any{"reason": "obsolete"}, nil); err != nil || status != http.StatusOK {
				t.Fatalf("discarding: %d, %v", status, err)
			}
			rig.provider.ClearScript()
			var foreseen struct{ Items []struct{ ID, Would string } }
			status, err := gateway.call("POST", "/v1/dead-letters/replay", map[string]any{"ids": ids, "dry_run": true}, &foreseen)
			if err != nil || status != http.StatusOK || len(foreseen.Items) != len(ids) {
				t.Fatalf("dry run: %d, %d items, %v", status, len(foreseen.Items), err)
			}
			for i, item := range foreseen.Items {
				if want := map[bool]string{true: "discarded", false: "send"}[i == 0]; item.ID != ids[i] || item.Would != want {
					t.Errorf("item %d would %q, want %q", i, item.Would, want)
				}
			}
			replay := gateway.replay(map[string]any{"ids": ids, "reason": "mended", "rate": 100})
			eventually(t, 30*time.Second, "completed", func() bool { return gateway.getReplay(replay.ID).Status == "completed" })
			if r := gateway.getReplay(replay.ID); r.Sent != 11 || r.Skipped != 1 || r.Failed != 0 || r.Pending != 0 {
				t.Errorf("completed as %+v", r)
			}
			gateway.expectAllDelivered(ids[1:], 30*time.Second)
			gateway.expectSentOnce(ids[1:])
			if n := rig.accepted()[ids[0]]; n != 0 {
				t.Errorf("the discarded text was sent %d times", n)
			}
			gateway.stop()
			rig.expectCommandLine(ids)
		})
	}
}

// expectCommandLine looks at the same from the command line, and replays from it.
func (r *rig) expectCommandLine(ids []string) {
	r.t.Helper()
	if listed := r.command("dlq", "list"); strings.Contains(listed, "msg_") {
		r.t.Errorf("left in the list:\n%s", listed)
	}
	if shown := r.command("dlq", "show", ids[0]); !strings.Contains(shown, "obsolete") || strings.Contains(shown, "+1415") {
		r.t.Errorf("shown as\n%s", shown)
	}
	first := r.start()
	dead := first.deadLetters(1)
	r.provider.ClearScript()
	first.stop()
	var listed []struct {
		ID, Class string
	}
	if err := json.Unmarshal([]byte(r.command("dlq", "list", "--json", "--class", "permanent")), &listed); err != nil || len(listed) != 1 || listed[0].ID != dead[0] {
		r.t.Fatalf("listed %+v, %v", listed, err)
	}
	if preview := r.command("dlq", "replay", "--tenant", "acme", "--all", "--dry-run"); !strings.Contains(preview, "1 of 1 would be sent") {
		r.t.Errorf("preview:\n%s", preview)
	}
	past, future := time.Now().Add(-time.Hour).Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339)
	for want, args := range map[int][]string{0: {"--before", past}, 1: {"--since", past, "--before", future}} {
		if got := strings.Count(r.command(append([]string{"dlq", "list"}, args...)...), "msg_"); got != want {
			r.t.Errorf("%v lists %d dead letters, want %d", args, got, want)
		}
	}
	fields := strings.Fields(r.command("dlq", "replay", "--reason", "mended", dead[0])) // its tenant is that of the text
	if said := r.command("dlq", "pause", fields[0], "--reason", "lunch"); !strings.Contains(said, "is paused: 1 selected, 1 pending") {
		r.t.Errorf("pause says %s", said)
	}
	if _, err := r.attempt("dlq", "pause", fields[0]); err == nil || !strings.Contains(err.Error(), "--reason") {
		r.t.Errorf("pausing without a reason: %v", err)
	}
	if said := r.command("dlq", "resume", fields[0], "--reason", "back"); !strings.Contains(said, "is running") {
		r.t.Errorf("resume says %s", said)
	}
	if listed := r.command("dlq", "replays"); !strings.Contains(listed, fields[0]) || !strings.Contains(listed, "running") {
		r.t.Errorf("replays:\n%s", listed)
	}
	second := r.start()
	eventually(r.t, 30*time.Second, "delivered", func() bool { return second.statusOf(dead[0]) == "delivered" })
	eventually(r.t, 30*time.Second, "completed", func() bool { return second.getReplay(fields[0]).Status == "completed" })
	second.stop()
	if _, err := r.attempt("dlq", "cancel", fields[0], "--reason", "too late"); err == nil {
		r.t.Error("a replay that is over was canceled")
	}
}

func TestAReplayThatIsKilledGoesOnAndSendsEachOnce(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...) // a kill leaves doubts
			gateway := rig.start()
			ids := gateway.deadLetters(60)
			rig.provider.ClearScript()
			replay := gateway.replay(map[string]any{"filter": map[string]any{"class": "permanent"}, "reason": "mended", "rate": 15})
			if replay.Selected != len(ids) {
				t.Fatalf("%d selected", replay.Selected)
			}
			for _, done := range []int{10, 30} {
				eventually(t, 30*time.Second, "under way", func() bool { return gateway.getReplay(replay.ID).Redriven >= done })
				gateway.kill()
				gateway = rig.start()
			}
			eventually(t, 120*time.Second, "completed", func() bool { return gateway.getReplay(replay.ID).Status == "completed" })
			if r := gateway.getReplay(replay.ID); r.Sent != len(ids) || r.Redriven != len(ids) || r.Failed+r.Skipped+r.Pending != 0 {
				t.Errorf("completed as %+v", r)
			}
			// The receipts of what was sent around a kill may be lost with their listener.
			gateway.expectAll(ids, []string{"delivered", "dispatched"}, 30*time.Second)
			gateway.expectSentOnce(ids)
			gateway.stop()
		})
	}
}

func TestAReplayThatFailsAgainPausesItselfAndCanBeResumed(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			gateway := rig.start()
			ids := gateway.deadLetters(80)
			replay := gateway.replay(map[string]any{"filter": map[string]any{}, "reason": "hope", "rate": 20})
			eventually(t, 30*time.Second, "paused", func() bool { return gateway.getReplay(replay.ID).Status == "paused" })
			paused := gateway.getReplay(replay.ID)
			if paused.LastChange == nil || paused.LastChange.By != "replayer" || paused.Pending == 0 || paused.Failed < 10 {
				t.Errorf("paused as %+v", paused)
			}
			rig.provider.ClearScript()
			if status, err := gateway.call("POST", "/v1/replays/"+replay.ID+"/resume", map[string]any{"reason": "mended now"}, nil); err != nil || status != http.StatusOK {
				t.Fatalf("resuming: %d, %v", status, err)
			}
			eventually(t, 60*time.Second, "completed", func() bool { return gateway.getReplay(replay.ID).Status == "completed" })
			r := gateway.getReplay(replay.ID)
			if r.Sent+r.Failed != len(ids) || r.Sent < paused.Pending {
				t.Errorf("completed as %+v, paused as %+v", r, paused)
			}
			if n := len(rig.accepted()); n != r.Sent {
				t.Errorf("%d texts were taken on, %d are counted", n, r.Sent)
			}
			gateway.stop()
		})
	}
}

func TestWhatTheBrokerCouldNotDeliverIsTakenUpAndNotLost(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true)
	gateway := rig.start()
	ids, err := gateway.sendBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := amqp.Dial(rig.value("RABBITMQ_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	prefix := rig.value("PROSMS_RABBITMQ_PREFIX")
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 3))
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{fmt.Sprintf(`{"work":[{"m":%q,"a":1},{"m":"msg_none","a":1}]}`, ids[0]), `{"first":1,"last":1,"events":[{}]}`, `?`} {
		if err := channel.PublishWithContext(context.Background(), prefix+"sms.dlx", "", true, false, amqp.Publishing{Body: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
		if confirmed := <-confirms; !confirmed.Ack {
			t.Fatal("not confirmed")
		}
	}
	eventually(t, 20*time.Second, "empty", func() bool {
		queue, err := channel.QueueDeclarePassive(prefix+"sms.dlq", true, false, false, false, nil)
		return err == nil && queue.Messages == 0
	})
	gateway.expectAllDelivered(ids, 20*time.Second)
	if n := rig.accepted()[ids[0]]; n != 1 {
		t.Errorf("taken on %d times", n)
	}
	gateway.stop()
	if !strings.Contains(gateway.output.String(), "could not be delivered") {
		t.Error("the log does not say so")
	}
}
