package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// logPage asks for a page of the log.
func (w *world) logPage(query string) (shown []events.Recorded, next string) {
	w.t.Helper()
	a := w.do("GET", "/v1/events"+query, "")
	var page struct {
		Data       []json.RawMessage
		NextCursor *string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("answer %d %s: %v", a.status, a.body, err)
	}
	shown = make([]events.Recorded, len(page.Data))
	for i, data := range page.Data {
		if err := json.Unmarshal(data, &shown[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	if page.NextCursor != nil {
		next = *page.NextCursor
	}
	return shown, next
}

func TestTheLogIsReadPageByPageWithoutOtherTenants(t *testing.T) {
	w := newWorld(t)
	other := w.newKey("zenith", domain.ScopeAdmin)
	want := map[int64]string{}
	for i := range 60 {
		id := w.accept(text())
		w.happen(id, events.MessageCanceled{By: "test"})
		w.do("POST", "/v1/messages", text(fmt.Sprintf(`"reference":"%d"`, i)), "Authorization: Bearer "+other)
	}
	// What belongs to no tenant is for operators.
	results, err := w.store.Append(t.Context(), ports.Write{StreamID: "breaker_x", Events: []events.Event{events.BreakerOpened{Provider: "x"}}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	all, err := w.store.Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Meta.Tenant == "acme" {
			want[e.Position] = e.Type
		}
	}
	last, pages := int64(0), 0
	for query := "?limit=50"; query != ""; pages++ {
		shown, next := w.logPage(query)
		for _, e := range shown {
			if e.Position <= last || want[e.Position] != e.Type || !w.proven(e) {
				t.Errorf("%s at %d after %d", e.Type, e.Position, last)
			}
			last = e.Position
			delete(want, e.Position)
		}
		if query = ""; next != "" {
			query = "?limit=50&cursor=" + next
		}
	}
	if len(want) > 0 || pages != 3 {
		t.Errorf("%d pages lack %d events", pages, len(want))
	}
	if shown, _ := w.logPage(fmt.Sprintf("?after=%d", last)); len(shown) > 0 {
		t.Errorf("after the last event there are %d", len(shown))
	}
}

func TestTheLogIsFilteredByTypeAndGroup(t *testing.T) {
	w := newWorld(t)
	w.happen(w.accept(text()), events.MessageCanceled{By: "test"})
	for query, want := range map[string]int{
		"": 3, "?type=message": 2, "?type=message.canceled": 1, "?type=key.issued": 1, "?type=key": 1,
	} {
		if shown, _ := w.logPage(query); len(shown) != want {
			t.Errorf("%s: %d events, want %d", query, len(shown), want)
		}
	}
}

func TestBadQueriesOfTheLogAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"after=-1", "after=x", "after=", "type=a.b.c", "type=A", "type=mess", "type=message.delivred", "limit=0", "limit=101", "after=1&cursor=2", "cursor=msg", "until=7"} {
		if a := w.do("GET", "/v1/events?"+query, ""); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for _, query := range []string{"after=x", "limit=3", "type=A", "type=message.delivred"} {
		if a := w.do("GET", "/v1/events/stream?"+query, ""); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	misspelt := w.do("GET", "/v1/events?type=message.delivred", "").problem(t)
	if f := misspelt.Errors[0]; f.Pointer != "/type" || !strings.Contains(f.Detail, "message.delivered") {
		t.Errorf("a type that does not exist: %+v", f)
	}
	if a := w.do("GET", "/v1/events/stream", "", "Last-Event-ID: yesterday"); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAPositionThatTheLogHasNotReachedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.accept(text())
	head := w.head()
	for _, path := range []string{"/v1/events?after=%d", "/v1/events?type=key&cursor=%d", "/v1/events/stream?after=%d"} {
		got := w.do("GET", fmt.Sprintf(path, head+1), "").problem(t)
		if got.Status != http.StatusBadRequest || got.Code != "beyond_log" || !strings.Contains(got.Detail, fmt.Sprint("position ", head)) || !strings.HasSuffix(strings.TrimSuffix(path, "=%d"), got.Errors[0].Pointer[1:]) {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := w.do("GET", "/v1/events/stream", "", fmt.Sprint("Last-Event-ID: ", head+1)).problem(t); got.Code != "beyond_log" || got.Errors[0].In != "header" {
		t.Errorf("a stream that goes on: %+v", got)
	}
	for _, path := range []string{"/v1/events?after=%d", "/v1/events?type=inbound&after=%d"} {
		if a := w.do("GET", fmt.Sprintf(path, head), ""); a.status != http.StatusOK {
			t.Errorf("%s at the head: %d %s", path, a.status, a.body)
		}
	}
}
