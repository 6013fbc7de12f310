package systemtest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// skip asks for an event to be passed over.
func (r *rig) skip(projection string, position int64, by string) (string, error) {
	return r.attempt("replay", "skip", "--projection", projection, "--position", fmt.Sprint(position), "--reason", "a faulty build wrote it", "--by", by)
}

func TestAnEventThatStopsAViewIsSkippedByAnOperator(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		gateway := r.start()
		var scheduled struct{ ID string }
		if _, err := gateway.call("POST", "/v1/messages", map[string]any{"to": "+14155550122", "body": "later", "send_at": time.Now().Add(time.Hour)}, &scheduled); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, "a row", func() bool { return gateway.statuses()[scheduled.ID] == "scheduled" })
		gateway.stop()
		r.plant(`UPDATE messages SET doc = '"+14155550122"' WHERE id = '` + scheduled.ID + `'`) // no row of ours

		gateway = r.start()
		if code, err := gateway.call("POST", "/v1/messages/"+scheduled.ID+"/cancel", map[string]any{}, nil); err != nil || code != http.StatusOK {
			t.Fatalf("canceling: %d, %v", code, err)
		}
		timeline := gateway.timeline(scheduled.ID)
		position := timeline[len(timeline)-1].Position
		eventually(t, 20*time.Second, "the view has stopped", func() bool {
			body := read(t, gateway.url+"/readyz?verbose")
			return strings.Contains(body, "[-] projections failed") && strings.Contains(body, "last failure: an event that cannot be applied") &&
				strings.Contains(body, "readyz: degraded")
		})
		eventually(t, 20*time.Second, "its position is a metric", func() bool {
			series, _ := gateway.scrape()
			return series[`projection_stopped_position{projection="messages"}`] == float64(position) &&
				series[`projection_stopped_position{projection="keys"}`] == 0
		})
		id := gateway.send("+14155550123", "hello")
		eventually(t, 20*time.Second, "texts go out all the same", func() bool { return gateway.statusOf(id) == "delivered" })
		if said := gateway.output.String(); !strings.Contains(said, fmt.Sprintf("projection=messages position=%d", position)) || strings.Contains(said, "+14155550122") {
			t.Errorf("logged:\n%s", said)
		}
		gateway.stop() // SQLite is one process's

		for _, wrong := range []struct {
			projection string
			position   int64
			by, want   string
		}{
			{"messages", position + 1, "ada", fmt.Sprintf("position %d", position)}, {"messages", 1, "ada", "has applied"},
			{"messages", 100_000, "ada", "head of the log"}, {"messages", position, " ", "--by"}, {"texts", position, "ada", "--projection"},
		} {
			if out, err := r.skip(wrong.projection, wrong.position, wrong.by); err == nil || !strings.Contains(err.Error(), wrong.want) {
				t.Errorf("%+v: %v\n%s", wrong, err, out)
			}
		}
		if out, err := r.skip("messages", position, "ada"); err != nil || !strings.Contains(out, fmt.Sprintf("passes over the event at position %d", position)) {
			t.Fatalf("skip: %v\n%s", err, out)
		}
		gateway = r.start()
		eventually(t, 20*time.Second, "the view goes on", func() bool {
			series, _ := gateway.scrape()
			return strings.Contains(read(t, gateway.url+"/readyz?verbose"), "[+] projections ok") && series[`projection_lag_events{projection="messages"}`] == 0
		})
		r.command("replay", "--projection", "messages")
		if statuses := gateway.statuses(); statuses[id] != "delivered" || statuses[scheduled.ID] != "scheduled" {
			t.Errorf("rebuilt: %v", statuses)
		}
		if out, err := r.attempt("replay", "--projection", "messages", "--diff"); err != nil || !strings.Contains(out, " 0 differ") {
			t.Errorf("comparing: %v\n%s", err, out)
		}
	})
}

func TestARebuildGoesOnAroundWhatWasSkipped(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		fill(t, r, 5)
		r.plant(`UPDATE events SET data = '{"attempt":"none"}' WHERE type = 'message.attempted' AND position = 7`)
		if out, err := r.attempt("replay", "--projection", "messages"); err == nil || !strings.Contains(err.Error(), "position 7") {
			t.Fatalf("replay: %v\n%s", err, out)
		}
		if out, err := r.skip("messages", 7, "ada"); err != nil {
			t.Fatalf("skip: %v\n%s", err, out)
		}
		if out := r.command("replay", "--projection", "messages"); !strings.Contains(out, "swapped") {
			t.Errorf("replay: %s", out)
		}
		if out := r.command("replay", "--projection", "messages", "--diff"); !strings.Contains(out, " 0 differ") {
			t.Errorf("diff: %s", out)
		}
	})
}

func read(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
