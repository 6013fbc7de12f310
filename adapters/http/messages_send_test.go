package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestATextIsAcceptedOnceItIsDurable(t *testing.T) {
	w := newWorld(t)
	before := w.head()
	a := w.do("POST", "/v1/messages", text(`"lane":"high"`, `"reference":"order 7"`, `"metadata":{"a":"1"}`))
	got := a.decode(t)
	id, _ := got["id"].(string)
	if a.status != http.StatusAccepted || a.header.Get("Location") != "/v1/messages/"+id {
		t.Fatalf("answer %d, Location %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
	for field, want := range map[string]any{
		"status": "accepted", "to": number, "from": nil, "encoding": "GSM-7", "segments": 1.0, "lane": "high",
	} {
		if value, ok := got[field]; !ok || value != want {
			t.Errorf("%s is %v, want %v", field, value, want)
		}
	}
	if recorded, _ := w.store.Load(t.Context(), id); len(recorded) != 1 || recorded[0].Meta.Tenant != "acme" || w.head() != before+1 {
		t.Errorf("the log holds %+v", recorded)
	}
	if a.header.Get("Idempotent-Replayed") != "" {
		t.Error("it counts as a repeat")
	}
}

func TestWhoAskedIsRecordedWithTheText(t *testing.T) {
	w := newWorld(t)
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	id := w.accept(text(), "X-Request-Id: order-7", "Traceparent: "+trace)
	recorded, err := w.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	meta := recorded[0].Meta
	keyID := strings.Split(w.key, "_")[2]
	if meta.Actor != "key:"+keyID || meta.CorrelationID != "order-7" || meta.TraceParent != trace {
		t.Errorf("meta is %+v", meta)
	}
}

func TestATextOfATestKeyIsMarkedForTheSandbox(t *testing.T) {
	w := newWorld(t)
	w.key = w.newTestKey("acme")
	recorded, err := w.store.Load(t.Context(), w.accept(text()))
	if err != nil {
		t.Fatal(err)
	}
	if accepted, ok := recorded[0].Data.(events.MessageAccepted); !ok || !accepted.Test {
		t.Errorf("recorded as %+v", recorded[0].Data)
	}
}

func TestARepeatUnderTheSameKeyIsAnsweredLikeTheFirst(t *testing.T) {
	w := newWorld(t)
	first := w.do("POST", "/v1/messages", text(), "Idempotency-Key: k-1")
	after := w.head()
	for _, header := range []string{`k-1`, `"k-1"`} {
		again := w.do("POST", "/v1/messages", text(), "Idempotency-Key: "+header)
		if again.status != first.status || again.body != first.body || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: answer %d %s, want %d %s", header, again.status, again.body, first.status, first.body)
		}
		if again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: nothing says that it is a repeat", header)
		}
	}
	if w.head() != after {
		t.Error("the repeat was stored")
	}
}

func TestOneKeyForTwoTextsIsAConflict(t *testing.T) {
	w := newWorld(t)
	w.accept(text(), "Idempotency-Key: k-1")
	a := w.do("POST", "/v1/messages", text(`"lane":"bulk"`), "Idempotency-Key: k-1")
	p := a.problem(t)
	if a.status != http.StatusUnprocessableEntity || p.Code != "idempotency_conflict" || p.Errors[0].In != "header" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}

func TestABatchAnswersEachItemAndDropsNone(t *testing.T) {
	w := newWorld(t)
	before := w.head()
	a := w.do("POST", "/v1/messages/batch", `{"messages":[`+strings.Join([]string{
		text(), `{"to":"+1","body":"x"}`, text(`"lane":7`), `[{"deep":["er"]}]`, text(`"tio":"x"`), `{"to":"` + another + `","body":"x"}`, `{"to":"` + number + `","to":"x"}`,
	}, ",")+`]}`)
	if a.status != http.StatusAccepted {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	var got []string
	for i, result := range a.decode(t)["results"].([]any) {
		result := result.(map[string]any)
		if result["index"] != float64(i) {
			t.Errorf("result %d has index %v", i, result["index"])
		}
		if problem, ok := result["problem"].(map[string]any); ok {
			fault := problem["errors"].([]any)[0].(map[string]any)
			got = append(got, problem["code"].(string)+" "+fault["pointer"].(string))
			continue
		}
		got = append(got, result["status"].(string))
	}
	want := []string{
		"accepted", "invalid_number /messages/1/to", "wrong_type /messages/2/lane", "wrong_type /messages/3",
		"unknown_field /messages/4", "accepted", "duplicate_key /messages/6/to",
	}
	if !slices.Equal(got, want) {
		t.Errorf("results are\n%q, want\n%q", got, want)
	}
	if w.head() != before+2 {
		t.Errorf("%d events were stored", w.head()-before)
	}
}

func TestABatchOfNothingGoodIsAnsweredItemByItem(t *testing.T) {
	w := newWorld(t)
	before := w.head()
	a := w.do("POST", "/v1/messages/batch", `{"messages":[{"to":"+1","body":"x"},{}]}`)
	if a.status != http.StatusAccepted || len(a.decode(t)["results"].([]any)) != 2 || w.head() != before {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}

func TestABatchRepeatedAfterALostAnswerAddsNothing(t *testing.T) {
	w := newWorld(t)
	body := `{"messages":[` + text() + `,{"to":"+1","body":"x"},` + text(`"lane":"bulk"`) + `]}`
	first := w.do("POST", "/v1/messages/batch", body, "Idempotency-Key: b")
	after := w.head()
	again := w.do("POST", "/v1/messages/batch", body, "Idempotency-Key: b")
	if again.body != first.body || w.head() != after || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repeat is answered %s, want %s", again.body, first.body)
	}
	single := w.do("POST", "/v1/messages", text(`"lane":"bulk"`), "Idempotency-Key: b#2")
	if single.header.Get("Idempotent-Replayed") != "true" {
		t.Error("item 2 does not count as b#2")
	}
}

func TestAFullBatchIsOneCommit(t *testing.T) {
	w := newWorld(t)
	before, _ := w.store.Head(t.Context())
	a := w.do("POST", "/v1/messages/batch", `{"messages":[`+strings.Repeat(text()+",", 999)+text()+`]}`)
	if a.status != http.StatusAccepted || len(a.decode(t)["results"].([]any)) != 1000 {
		t.Fatalf("answer %d", a.status)
	}
	head, _ := w.store.Head(t.Context())
	if head.FirstPosition != before.LastPosition+1 || head.LastPosition != before.LastPosition+1000 {
		t.Errorf("the last commit holds %d to %d", head.FirstPosition, head.LastPosition)
	}
}

func TestAPreviewShowsWhatATextWouldComeToAndSendsNothing(t *testing.T) {
	w := newWorld(t)
	w.optOut("acme", number)
	before := w.head()
	a := w.do("POST", "/v1/messages/preview", `{"to":"+1 (415) 555-2671","body":"naïve ✓ ✓","from":"Acme"}`)
	got := a.decode(t)
	if a.status != http.StatusOK || got["to"] != number || got["from"] != "Acme" || got["encoding"] != "UCS-2" || got["opted_out"] != true {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	if forced := got["forced_by"].([]any); !slices.Contains(forced, any("✓")) {
		t.Errorf("forced by %v", forced)
	}
	if w.head() != before {
		t.Error("something was stored")
	}
	if plain := w.do("POST", "/v1/messages/preview", text()).decode(t); len(plain["forced_by"].([]any)) != 0 {
		t.Errorf("plain text is forced by %v", plain["forced_by"])
	}
}

// optOut records that a number wants no texts.
func (w *world) optOut(tenant, number string) {
	w.t.Helper()
	stream := w.commands.Lookup.ConsentStream(tenant, events.Personal(number))
	results, err := w.store.Append(w.t.Context(), ports.Write{
		StreamID: stream, Events: []events.Event{events.ConsentOptedOut{Number: events.Personal(number), Source: "operator", Scope: "all"}},
	})
	if err != nil || results[0].Err != nil {
		w.t.Fatal(err, results)
	}
}
