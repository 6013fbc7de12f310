package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// detached is a log from which the messages are detached.
type detached struct{ ports.EventStore }

func (d detached) Load(ctx context.Context, id string) ([]events.Recorded, error) {
	recorded, err := d.EventStore.Load(ctx, id)
	return without(recorded), err
}

func (d detached) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	recorded, err := d.EventStore.Read(ctx, position, limit)
	return without(recorded), err
}

func without(recorded []events.Recorded) []events.Recorded {
	for i, r := range recorded {
		if strings.HasPrefix(r.StreamID, "msg_") {
			recorded[i].Data, recorded[i].RawData = events.Detached{Type: r.Type}, []byte("null")
		}
	}
	return recorded
}

func TestAMessageThatWasDetachedIsGoneAndItsArchiveIsNamed(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text(), "Idempotency-Key: k")
	w.happen(id, events.MessageCanceled{By: "test"})
	if _, err := w.store.Append(t.Context(), ports.Write{
		StreamID: ports.ArchivesStream, Events: []events.Event{events.LogDetached{Archive: "2025.gz", First: 1, Last: w.head()}},
	}); err != nil {
		t.Fatal(err)
	}
	w.store.EventStore = detached{w.store.EventStore}
	for _, ask := range []answer{
		w.do("GET", "/v1/messages/"+id, ""),
		w.do("GET", "/v1/messages/"+id+"?as_of=1", ""),
		w.do("GET", "/v1/messages/"+id+"/events", ""),
		w.do("POST", "/v1/messages/"+id+"/cancel", ""),
		w.do("POST", "/v1/messages", text(), "Idempotency-Key: k"),
	} {
		got := ask.decode(t)
		if ask.status != http.StatusGone || got["code"] != "archived" || got["archive"] != "2025.gz" {
			t.Errorf("answer %d %s", ask.status, ask.body)
		}
	}
	for _, accept := range []string{"", "application/x-ndjson", "application/cloudevents-batch+json"} {
		if a := w.do("GET", "/v1/events?type=message", "", "Accept: "+accept); a.status != http.StatusOK || !strings.Contains(a.body, `"data":null`) {
			t.Errorf("the log as %q: %d %s", accept, a.status, a.body)
		}
	}
	if again := w.do("POST", "/v1/messages", text(), "Idempotency-Key: another"); again.status != http.StatusAccepted {
		t.Errorf("another key: %d %s", again.status, again.body)
	}
	other := "Authorization: Bearer " + w.newKey("rival", domain.ScopeAdmin)
	if a := w.do("GET", "/v1/messages/"+id, "", other); a.status != http.StatusNotFound {
		t.Errorf("another tenant is told: %d %s", a.status, a.body)
	}
}
