package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

// shownEvent is an entry of a timeline as a client reads it.
type shownEvent struct {
	events.Recorded
	link events.Hash
}

func (w *world) timeline(id, query string) []shownEvent {
	w.t.Helper()
	a := w.do("GET", "/v1/messages/"+id+"/events"+query, "")
	var page struct{ Data []json.RawMessage }
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("answer %d %s: %v", a.status, a.body, err)
	}
	shown := make([]shownEvent, len(page.Data))
	for i, data := range page.Data {
		var link struct{ Link events.Hash }
		if err := json.Unmarshal(data, &link); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(data, &shown[i].Recorded); err != nil {
			w.t.Fatal(err)
		}
		shown[i].link = link.Link
	}
	return shown
}

func TestTheTimelineProvesItself(t *testing.T) {
	w := newWorld(t)
	w.accept(text())
	id := w.accept(text(`"reference":"<&>"`))
	w.happen(id,
		events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"})
	w.accept(text())
	w.happen(id, events.MessageDelivered{ProviderStatus: "delivered", At: time.Now()})

	links := map[int64]events.Hash{}
	commits, err := w.store.Commits(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commits {
		for p := c.FirstPosition; p <= c.LastPosition; p++ {
			links[p] = c.Link
		}
	}
	shown := w.timeline(id, "")
	if len(shown) != 4 {
		t.Fatalf("%d events", len(shown))
	}
	for i, e := range shown {
		if e.Version != i+1 || e.StreamID != id || !w.proven(e.Recorded) || e.link != links[e.Position] {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

// proven reports whether the digest of e is that of its stored form: of what is shown
// where nothing in it is sealed.
func (w *world) proven(e events.Recorded) bool {
	w.t.Helper()
	stored, err := w.store.Read(w.t.Context(), e.Position-1, 1)
	if err != nil || len(stored) != 1 {
		w.t.Fatalf("%d events, %v", len(stored), err)
	}
	personal, _ := events.Fields(e.StreamID, e.Data)
	return stored[0].ComputeDigest() == e.Digest && (len(personal) > 0 || e.ComputeDigest() == e.Digest)
}

func TestTheTimelineIsShownAsOfAPositionOrATime(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	accepted := w.timeline(id, "")[0]
	time.Sleep(2 * time.Millisecond) // recorded_at is to the microsecond
	w.happen(id, events.MessageCanceled{By: "test"})
	at := url.QueryEscape(accepted.RecordedAt.Format(time.RFC3339Nano))
	for query, want := range map[string]int{
		"": 2,
		fmt.Sprintf("?as_of=%d", accepted.Position):     1,
		fmt.Sprintf("?as_of=%d", accepted.Position-1):   0,
		fmt.Sprintf("?as_of=%d", accepted.Position+100): 2,
		"?as_of=" + at:                1,
		"?as_of=2001-01-01T00:00:00Z": 0,
		"?as_of=2101-01-01T00:00:00Z": 2,
	} {
		if got := len(w.timeline(id, query)); got != want {
			t.Errorf("%s shows %d events, want %d", query, got, want)
		}
	}
}

func TestAMessageIsCalledBackUntilItIsClaimed(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	for range 2 { // canceling what is canceled does nothing
		a := w.do("POST", "/v1/messages/"+id+"/cancel", "")
		if got := a.decode(t); a.status != http.StatusOK || got["status"] != "canceled" || got["version"] != 2.0 {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	}
	claimed := w.accept(text())
	w.happen(claimed, events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"})
	if a := w.do("POST", "/v1/messages/"+claimed+"/cancel", ""); a.status != http.StatusConflict || a.problem(t).Code != "already_claimed" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	expired := w.accept(text())
	w.happen(expired, events.MessageExpired{})
	if a := w.do("POST", "/v1/messages/"+expired+"/cancel", ""); a.status != http.StatusConflict || a.problem(t).Code != "already_final" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}
