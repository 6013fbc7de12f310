package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
)

func TestTheLogIsReadAsLinesAndAsCloudEvents(t *testing.T) {
	w := newWorld(t)
	ids := []string{w.accept(text()), w.accept(text()), w.accept(text())}
	var seen [2][]string
	for i, format := range []string{"application/x-ndjson", "application/cloudevents-batch+json"} {
		for target := "/v1/events?limit=2&after=0&type=message.accepted"; target != ""; {
			a := w.do("GET", target, "", "Accept: text/plain;q=0.5, "+format)
			if a.status != http.StatusOK || a.header.Get("Content-Type") != format {
				t.Fatalf("answer %d in %s", a.status, a.header.Get("Content-Type"))
			}
			seen[i] = append(seen[i], subjects(t, format, a.body)...)
			target = ""
			if link, ok := strings.CutSuffix(a.header.Get("Link"), `>; rel="next"`); ok {
				target = strings.TrimPrefix(link, "<")
			}
		}
	}
	for _, got := range seen {
		if strings.Join(got, " ") != strings.Join(ids, " ") {
			t.Errorf("texts %v, want %v", got, ids)
		}
	}
	if a := w.do("GET", "/v1/events", "", "Accept: application/x-ndjson;q=0"); a.header.Get("Content-Type") != "application/json" {
		t.Errorf("what is not wanted comes: %s", a.header.Get("Content-Type"))
	}
}

// subjects returns the streams of the events in body.
func subjects(t *testing.T, format, body string) (streams []string) {
	t.Helper()
	if format == "application/x-ndjson" {
		for line := range strings.Lines(body) {
			var e events.Recorded
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			streams = append(streams, e.StreamID)
		}
		return streams
	}
	var batch []events.CloudEvent
	if err := json.Unmarshal([]byte(body), &batch); err != nil {
		t.Fatal(err)
	}
	for _, e := range batch {
		if !strings.HasPrefix(e.Source, "https://sms.example.com/v1/") || !strings.Contains(string(e.Data), "+1415") {
			t.Errorf("%+v", e)
		}
		streams = append(streams, e.Subject)
	}
	return streams
}

func TestSchemasOfEventsAreServed(t *testing.T) {
	w := newWorld(t)
	if a := w.do("GET", "/schemas/message.delivered.1.json", "", "Authorization: "); a.status != http.StatusOK || !strings.Contains(a.body, `"$id": "/schemas/message.delivered.1.json"`) {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	for _, file := range []string{"message.delivered.2.json", "..%2Fschemas.go", "x"} {
		if a := w.do("GET", "/schemas/"+file, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: answer %d", file, a.status)
		}
	}
}
