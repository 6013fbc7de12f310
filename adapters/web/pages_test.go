package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestTextsAreFoundByWhateverIsKnownOfThem(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.get(admin, "/messages").shows(t, "No texts yet", "curl -sS http://api.example/v1/messages")
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.append("key_2", events.Meta{Tenant: "other"}, events.KeyIssued{Tenant: "other"})
	sid := "SM" + strings.Repeat("a1", 16)
	w.accept("acme", "msg_1", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: sid})
	w.accept("other", "msg_2", func(m *events.MessageAccepted) { m.Reference, m.Lane = "login-9", "high" })
	w.accept("acme", "msg_3", func(m *events.MessageAccepted) {
		m.To, m.Reference, m.Consent = "+14155552672", "order-3", w.commands.Lookup.ConsentStream("acme", "+14155552672")
	})
	for _, tt := range []struct{ query, finds string }{
		{"", "msg_1 msg_2 msg_3"},
		{"?q=login-9", "msg_2"},
		{"?q=" + sid, "msg_1"},
		{"?q=%2B14155552671", "msg_1 msg_2"},
		{"?q=(415)+555-2671", "msg_1 msg_2"},
		{"?q=%2B14155552671&tenant=other", "msg_2"},
		{"?q=%2B14155552679", ""},
		{"?status=dispatched", "msg_1"},
		{"?lane=high", "msg_2"},
		{"?tenant=acme", "msg_1 msg_3"},
		{"?since=2099-01-01T00:00", ""},
		{"?until=2099-01-01T00:00&lane=high", "msg_2"},
	} {
		a := w.get(admin, "/messages"+tt.query)
		for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
			if got := strings.Contains(a.body, "/messages/"+id); got != strings.Contains(tt.finds, id) {
				t.Errorf("%s: %s found is %v", tt.query, id, got)
			}
		}
	}
	if a := w.get(admin, "/messages?q=msg_2"); a.status != 303 || a.header.Get("Location") != "/messages/msg_2" {
		t.Errorf("by id: %d to %s", a.status, a.header.Get("Location"))
	}
}

func TestTheListIsReadPageByPageAndExported(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	const total = exportPage + pageSize + 1
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	for i := range total {
		w.append(fmt.Sprintf("msg_%04d", i), events.Meta{Tenant: "acme"}, events.MessageAccepted{To: number1, Body: "=1+1", Lane: "bulk", Encoding: "GSM-7", Segments: 1})
	}
	seen, path := map[string]bool{}, "/messages"
	for path != "" {
		a := w.get(admin, path)
		for i := range total {
			if id := fmt.Sprintf("msg_%04d", i); strings.Contains(a.body, "/messages/"+id+`"`) {
				if seen[id] {
					t.Errorf("%s is on two pages", id)
				}
				seen[id] = true
			}
		}
		_, rest, more := strings.Cut(a.body, `href="/messages?after=`)
		if path = ""; more {
			path = "/messages?after=" + rest[:strings.IndexByte(rest, '"')]
		}
	}
	if len(seen) != total {
		t.Errorf("%d of %d texts on the pages", len(seen), total)
	}
	a := w.get(admin, "/messages.csv?lane=bulk")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != total+1 || rows[1][7] != "'=1+1" || rows[1][5] != number1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestATextTellsItsStory(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	w.accept("acme", "msg_1", func(m *events.MessageAccepted) { m.Body = events.Personal("Grüße 🎉 " + strings.Repeat("x", 80)) },
		events.MessageAttempted{Attempt: 1, Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", HTTPStatus: 429, Detail: "too fast"},
		events.MessageRetried{Attempt: 2, Delay: events.Duration(30 * time.Second), DueAt: at},
		events.MessageAttempted{Attempt: 2, Provider: "twilio"},
		events.MessageInDoubt{Attempt: 2, Provider: "twilio", Cause: "timeout"},
		events.MessageReconciled{Attempt: 2, Outcome: "sent", ProviderMessageID: "SM7", Evidence: "receipt"},
		events.MessageDelivered{ProviderStatus: "delivered", At: at},
		events.MessageReceiptIgnored{ProviderStatus: "sent", Reason: "final"},
	)
	a := w.get(admin, "/messages/msg_1")
	a.shows(t, "Attempt 1 failed", "the provider was too busy", "too fast", "Another attempt is scheduled", "Attempt 2 is in doubt",
		"nothing was sent twice", "the handset has it", "A receipt that changes nothing", "receipts never move it backwards",
		"0af7651916cd43dd8448eb211c80319c", "UCS-2", "Forced into UCS-2 by", "<kbd>🎉</kbd>", "How it is cut", "intact", "message.receipt_ignored", number1[1:])
	a.hides(t, "hash does not fit", "Cancel the text…")
	recorded, err := w.store.Load(t.Context(), "msg_1")
	if err != nil {
		t.Fatal(err)
	}
	then := w.get(admin, fmt.Sprintf("/messages/msg_1?as_of=%d", recorded[5].Position))
	then.shows(t, "after step 6 of 9", `<span class="status doubt">in doubt</span>`)
}

func TestAViewerSeesNoNumbersAndNoTexts(t *testing.T) {
	w := newWorld(t)
	w.admin()
	viewer := w.join("vic", domain.Viewer)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.accept("acme", "msg_1", func(m *events.MessageAccepted) { m.From = "+15005550006" })
	w.append("consent_1", events.Meta{Tenant: "acme"}, events.ConsentOptedOut{Number: number1, Source: "api", Scope: "all"})
	w.append("inbound_1", events.Meta{Tenant: "acme"}, events.InboundReceived{From: number1, To: "+15005550006", Body: "STOP 482913"})
	for _, path := range []string{"/messages", "/messages/msg_1", "/messages.csv", "/events"} {
		a := w.get(viewer, path)
		if a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
		a.hides(t, number1[1:], "15005550006", "482913")
		a.shows(t, "••••")
	}
	a := w.get(w.join("olga", domain.RoleOperator), "/messages/msg_1")
	a.shows(t, number1[1:], "482913")
}

func TestAnAuditThatLooksAtOlderEventsDoesNotSayThatThereIsNothing(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	many := make([]events.Event, 10_000)
	for i := range many {
		many[i] = events.ReceiptUnknown{ProviderStatus: "sent"}
	}
	if _, err := w.store.Append(t.Context(), ports.Write{StreamID: "receipts", Events: many, Meta: events.Meta{Actor: "provider:twilio"}}); err != nil {
		t.Fatal(err)
	}
	a := w.get(admin, "/audit")
	a.shows(t, "newest 10,000 events", "There are older ones", "Older")
	a.hides(t, "Nothing yet")
	_, rest, _ := strings.Cut(a.body, `class="button" href="`)
	older, _, _ := strings.Cut(rest, `"`)
	w.get(admin, html.UnescapeString(older)).shows(t, "operator:ada", "operator.joined")
}

func TestATextIsCanceledWithAReasonAndAName(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	later := time.Now().Add(time.Hour)
	w.accept("acme", "msg_1", func(m *events.MessageAccepted) { m.SendAt = &later })
	w.get(olga, "/messages/msg_1").shows(t, "Cancel the text…", "curl -X POST http://api.example/v1/messages/msg_1/cancel")
	if a := w.post(olga, "/messages/msg_1/cancel", "reason", " "); a.status != 422 {
		t.Errorf("without a reason: %d", a.status)
	}
	if a := w.post(olga, "/messages/msg_1/cancel", "reason", "sent by mistake"); a.status != 303 {
		t.Errorf("canceling: %d", a.status)
	}
	w.get(olga, "/messages/msg_1?done=canceled").shows(t, "Canceled", "sent by mistake", "operator:olga", "It will not be sent")
	w.get(olga, "/audit").shows(t, "operator:olga", "sent by mistake", "message.canceled")
	w.accept("acme", "msg_2", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"})
	if a := w.post(olga, "/messages/msg_2/cancel", "reason", "too late"); a.status != 409 {
		t.Errorf("after the claim: %d", a.status)
	}
}

func TestKeysAreMadeShownOnceAndRevoked(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	a := w.post(admin, "/keys", "tenant", "acme", "scope", "messages:read", "test", "1", "reason", "dashboards")
	a.shows(t, "psk_test_", "nobody can show it again")
	w.catchUp()
	list := w.get(admin, "/keys")
	list.shows(t, "acme", "messages:read", "active", "Revoke…")
	list.hides(t, "psk_test_")
	_, rest, _ := strings.Cut(a.body, "psk_test_")
	id, _, _ := strings.Cut(rest, "_")
	if a := w.post(admin, "/keys/"+id+"/revoke", "reason", "leaked"); a.status != 303 {
		t.Errorf("revoking: %d", a.status)
	}
	w.catchUp()
	w.get(admin, "/keys").shows(t, "revoked")
	w.get(admin, "/audit").shows(t, "leaked", "dashboards", "key.revoked")
	if a := w.post(admin, "/keys", "tenant", "a b", "scope", "root", "reason", "x"); a.status != 422 {
		t.Errorf("a bad key: %d", a.status)
	}
}

func TestTheLogShowsWhatBelongsToNoTenantAndNoSecrets(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.append("breaker_twilio", events.Meta{Actor: "dispatcher"}, events.BreakerHalfOpened{Provider: "twilio"})
	a := w.get(admin, "/events")
	a.shows(t, "breaker.half_opened", "operator.joined", "••••")
	a.hides(t, "$argon2id$")
	w.get(admin, "/events?type=breaker").shows(t, "breaker.half_opened")
	w.get(admin, "/events?type=breaker").hides(t, ">operator.joined<")
	w.get(admin, "/events?at=1").shows(t, "operator.joined", "To the head")
	w.get(admin, "/system").shows(t, "PROSMS_MASTER_KEY", "****", "up to date")
}

// follow opens a stream of events and returns its lines.
func (w *world) follow(client *http.Client, path string) <-chan string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%s: %d, %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// until reads lines up to one that begins with prefix, and returns its rest.
func (w *world) until(lines <-chan string, prefix string) string {
	w.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			if rest, found := strings.CutPrefix(line, prefix); found {
				return rest
			}
			if !ok {
				w.t.Fatalf("the stream ended before %q", prefix)
			}
		case <-timeout:
			w.t.Fatalf("no %q in the stream", prefix)
		}
	}
}

func TestTheLogIsFollowedLive(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	rows := w.follow(admin, "/events/follow?type=message")
	positions := w.follow(admin, "/events/follow?stream=msg_1&rows=no")
	w.until(rows, ": still here")
	w.until(positions, ": still here")
	w.accept("acme", "msg_1", nil)
	w.until(rows, "event: row")
	if row := w.until(rows, "data: "); !strings.Contains(row, "message.accepted") || !strings.Contains(row, "<tr id=") {
		t.Errorf("the row is %s", row)
	}
	if position := w.until(positions, "data: "); position != "3" {
		t.Errorf("position %s", position)
	}
}

func TestTheOverviewIsLiveAndCountsWhatHappens(t *testing.T) {
	w := newWorld(t, func(u *UI) {
		u.Depth = func(context.Context, domain.Lane) (int, error) { return 7, nil }
	})
	admin := w.admin()
	w.get(admin, "/").shows(t, "Nothing was sent yet")
	w.accept("acme", "msg_1", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageDispatched{Attempt: 1, Provider: "twilio"}, events.MessageDeadLettered{Reason: "exhausted"})
	w.get(admin, "/").shows(t, "Needs somebody", "given up", "Texts by status")
	var b beat
	if err := json.Unmarshal([]byte(w.until(w.follow(admin, "/live"), "data: ")), &b); err != nil {
		t.Fatal(err)
	}
	if b.Head != 6 || b.Statuses["dead_lettered"] != 1 || b.Waiting["high"] != 7 || b.Lag["messages"] != 0 || b.Timed != 1 || len(b.Series["accepted"]) != pulseSeconds {
		t.Errorf("the beat is %+v", b)
	}
}
