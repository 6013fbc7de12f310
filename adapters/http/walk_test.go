package api_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest"
)

// possessions are what tenant acme has by live keys: one of each kind.
type possessions struct {
	message, dead, replay, key, endpoint string
	position                             int64 // up to which all of the log is acme's
	positions                            []int64
	streams                              map[string]int
}

// possess makes them. All that is text in them says "acme's own".
func (w *world) possess() possessions {
	w.t.Helper()
	own := possessions{
		message: w.accept(`{"to":"`+number+`","body":"acme's own","reference":"acme's own"}`, "Idempotency-Key: k"),
		dead:    w.accept(`{"to":"` + another + `","body":"acme's own"}`),
		key:     w.issue(commands.IssueKey{Tenant: "acme"}, domain.ScopeRead).ID,
		streams: map[string]int{},
	}
	w.die(own.dead, "21211", "acme's own")
	w.textUs(number, "acme's own")
	if a := w.do("PUT", "/v1/opt-outs/"+another, ""); a.status != http.StatusOK {
		w.t.Fatalf("opting out: %d %s", a.status, a.body)
	}
	a := w.do("POST", "/v1/dead-letters/"+own.dead+"/replay", `{"reason":"acme's own"}`)
	if own.replay, _ = a.decode(w.t)["id"].(string); a.status != http.StatusAccepted {
		w.t.Fatalf("replaying: %d %s", a.status, a.body)
	}
	a = w.do("POST", "/v1/webhooks", `{"url":"https://example.com/acme"}`)
	if own.endpoint, _ = a.decode(w.t)["id"].(string); a.status != http.StatusCreated {
		w.t.Fatalf("adding an endpoint: %d %s", a.status, a.body)
	}
	w.catchUp()
	for _, e := range w.since(0) {
		own.streams[e.StreamID], own.position = e.Version, e.Position
		own.positions = append(own.positions, e.Position)
	}
	return own
}

func (w *world) since(position int64) []events.Recorded {
	w.t.Helper()
	recorded, err := w.store.Read(w.t.Context(), position, 1000)
	if err != nil && !errors.Is(err, events.ErrUnreadable) {
		w.t.Fatal(err)
	}
	return recorded
}

// step is a call of one route, and how somebody is answered who has nothing to do
// with what it is about.
type step struct {
	route, path, body string
	want              int
}

// walk has every route of the API that needs a key.
func (own possessions) walk() []step {
	const why = `{"reason":"mine"}`
	return []step{
		{"POST /v1/messages", "/v1/messages", text(), 202},
		{"POST /v1/messages/batch", "/v1/messages/batch", `{"messages":[` + text() + `]}`, 202},
		{"POST /v1/messages/preview", "/v1/messages/preview", text(), 200},
		{"GET /v1/messages", "/v1/messages?limit=100", "", 200},
		{"GET /v1/messages", "/v1/messages?to=%2B14155552671", "", 200},
		{"GET /v1/messages", "/v1/messages?status=accepted", "", 200},
		{"GET /v1/messages/{id}", "/v1/messages/" + own.message, "", 404},
		{"GET /v1/messages/{id}", "/v1/messages/" + own.message + "?as_of=2101-01-01T00:00:00Z", "", 404},
		{"GET /v1/messages/{id}/events", "/v1/messages/" + own.message + "/events", "", 404},
		{"GET /v1/messages/{id}/events", "/v1/messages/" + own.replay + "/events", "", 404},
		{"POST /v1/messages/{id}/cancel", "/v1/messages/" + own.message + "/cancel", "", 404},
		{"POST /v1/messages/{id}/resolve", "/v1/messages/" + own.message + "/resolve", `{"verdict":"resend","reason":"mine"}`, 404},
		{"GET /v1/dead-letters", "/v1/dead-letters", "", 200},
		{"GET /v1/dead-letters", "/v1/dead-letters?group_by=error", "", 200},
		{"GET /v1/dead-letters/{id}", "/v1/dead-letters/" + own.dead, "", 404},
		{"POST /v1/dead-letters/{id}/discard", "/v1/dead-letters/" + own.dead + "/discard", why, 404},
		{"POST /v1/dead-letters/{id}/replace", "/v1/dead-letters/" + own.dead + "/replace", `{"to":"+14155552671","body":"x","reason":"mine"}`, 404},
		{"POST /v1/dead-letters/{id}/replay", "/v1/dead-letters/" + own.dead + "/replay", why, 404},
		{"POST /v1/dead-letters/{id}/replay", "/v1/dead-letters/" + own.dead + "/replay", `{"dry_run":true}`, 404},
		{"POST /v1/dead-letters/replay", "/v1/dead-letters/replay", `{"ids":["` + own.dead + `"],"reason":"mine"}`, 422},
		{"POST /v1/dead-letters/replay", "/v1/dead-letters/replay", `{"ids":["` + own.dead + `"],"dry_run":true}`, 422},
		{"POST /v1/dead-letters/replay", "/v1/dead-letters/replay", `{"filter":{},"reason":"mine"}`, 422},
		{"GET /v1/replays", "/v1/replays", "", 200},
		{"GET /v1/replays/{id}", "/v1/replays/" + own.replay, "", 404},
		{"GET /v1/replays/{id}/items", "/v1/replays/" + own.replay + "/items", "", 404},
		{"POST /v1/replays/{id}/pause", "/v1/replays/" + own.replay + "/pause", why, 404},
		{"POST /v1/replays/{id}/resume", "/v1/replays/" + own.replay + "/resume", why, 404},
		{"POST /v1/replays/{id}/cancel", "/v1/replays/" + own.replay + "/cancel", why, 404},
		{"GET /v1/opt-outs", "/v1/opt-outs", "", 200},
		{"GET /v1/opt-outs/{number}", "/v1/opt-outs/" + another, "", 404},
		{"DELETE /v1/opt-outs/{number}", "/v1/opt-outs/" + another, "", 404},
		{"PUT /v1/opt-outs/{number}", "/v1/opt-outs/" + number, "", 200},
		{"POST /v1/subjects/forget", "/v1/subjects/forget", `{"number":"` + number + `"}`, 200},
		{"GET /v1/inbound", "/v1/inbound", "", 200},
		{"GET /v1/events", "/v1/events?limit=100", "", 200},
		{"GET /v1/keys", "/v1/keys", "", 200},
		{"POST /v1/keys", "/v1/keys", `{"scopes":["messages:read"],"test":true}`, 201},
		{"POST /v1/keys/{id}/rotate", "/v1/keys/" + own.key + "/rotate", `{"overlap":"0s"}`, 404},
		{"DELETE /v1/keys/{id}", "/v1/keys/" + own.key, "", 404},
		{"GET /v1/webhooks", "/v1/webhooks", "", 200},
		{"POST /v1/webhooks", "/v1/webhooks", `{"url":"https://example.com/mine"}`, 201},
		{"GET /v1/webhooks/{id}", "/v1/webhooks/" + own.endpoint, "", 404},
		{"PATCH /v1/webhooks/{id}", "/v1/webhooks/" + own.endpoint, `{"enabled":false}`, 404},
		{"POST /v1/webhooks/{id}/rotate", "/v1/webhooks/" + own.endpoint + "/rotate", "", 404},
		{"DELETE /v1/webhooks/{id}", "/v1/webhooks/" + own.endpoint, "", 404},
		{"GET /v1/webhooks/deliveries", "/v1/webhooks/deliveries?endpoint=" + own.endpoint, "", 200},
		{"GET /v1/webhooks/deliveries/{id}", "/v1/webhooks/deliveries/" + own.endpoint, "", 404},
		{"POST /v1/webhooks/deliveries/{id}/replay", "/v1/webhooks/deliveries/" + own.endpoint + "/replay", why, 404},
	}
}

// excludes fails where an answer shows something of acme's.
func (own possessions) excludes(t *testing.T, route, shown string) {
	t.Helper()
	for _, mark := range []string{"acme's own", own.message, own.dead, own.replay, own.key, own.endpoint} {
		if strings.Contains(shown, mark) {
			t.Errorf("%s shows %s:\n%s", route, mark, shown)
		}
	}
}

// untouched fails where something was added to what is acme's.
func (own possessions) untouched(t *testing.T, w *world) {
	t.Helper()
	for _, e := range w.since(own.position) {
		if version, ok := own.streams[e.StreamID]; ok {
			t.Errorf("%s was added to %s, version %d", e.Type, e.StreamID, version)
		}
	}
}

// take takes every route as whoever has key, and expects the answers of the walk.
func (own possessions) take(t *testing.T, w *world, key string, want func(step) int) {
	w.key = key
	taken := map[string]bool{"GET /v1/events/stream": true}
	for _, s := range own.walk() {
		method, _, _ := strings.Cut(s.route, " ")
		taken[s.route] = true
		headers := []string{"X-Request-Id: walk"}
		if s.route == "POST /v1/messages" {
			headers = append(headers, "Idempotency-Key: k")
		}
		a := w.do(method, s.path, s.body, headers...)
		if a.status != want(s) || a.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s %s: %d %s, want %d", s.route, s.path, a.status, a.body, want(s))
		}
		own.excludes(t, s.route, a.body)
		w.catchUp()
	}
	for path, item := range contract(t).document.Paths.Map() {
		for method := range item.Operations() {
			if route := method + " " + path; strings.HasPrefix(path, "/v1/") && !taken[route] {
				t.Errorf("%s is not walked", route)
			}
		}
	}
	// What is accepted last is streamed last.
	last := w.accept(text())
	following := w.follow("?after=0", key)
	for streamed := ""; streamed != last; {
		_, kind, e, ok := following.next()
		if !ok {
			t.Fatal("the stream has ended")
		}
		own.excludes(t, "GET /v1/events/stream", e.StreamID+" "+string(e.RawData)+string(e.RawMeta))
		if streamed = e.StreamID; kind == "message.accepted" && slices.Contains([]string{own.message, own.dead}, streamed) {
			t.Errorf("the stream shows %s", streamed)
		}
	}
	own.untouched(t, w)
}

func TestAnotherTenantNeitherSeesNorTouchesAnythingByAnyRoute(t *testing.T) {
	w := newWorld(t, withTwilio)
	own := w.possess()
	own.take(t, w, w.newKey("other", domain.ScopeAdmin), func(s step) int { return s.want })
}

func TestAnotherTenantIsToldNothingOfWhatCannotBeRead(t *testing.T) {
	w := newWorld(t, withTwilio)
	own := w.possess()
	spoiled := &porttest.Spoiled{EventStore: w.store.EventStore}
	w.store.EventStore = spoiled
	spoiled.Spoil(own.positions...)
	own.take(t, w, w.newKey("other", domain.ScopeAdmin), func(s step) int { return s.want })
}

func TestATestKeyNeitherSeesNorTouchesWhatIsLiveByAnyRoute(t *testing.T) {
	w := newWorld(t, withTwilio)
	own := w.possess()
	own.take(t, w, w.newTestKey("acme"), func(s step) int {
		if strings.Contains(s.route, "/opt-outs") || strings.Contains(s.route, "/inbound") || strings.Contains(s.route, "/webhooks") || strings.Contains(s.route, "/subjects") {
			return http.StatusForbidden
		}
		return s.want
	})
}

func TestATestKeyListsTestMessagesPageByPage(t *testing.T) {
	w := newWorld(t)
	live, test := w.key, w.newTestKey("acme")
	var want, got []string
	for range 4 {
		w.key = live
		w.accept(text())
		w.key = test
		want = append(want, w.accept(text()))
	}
	w.key = live
	w.accept(text())
	w.catchUp()
	w.key = test
	for cursor := ""; ; {
		a := w.do("GET", "/v1/messages?limit=3"+cursor, "")
		got = append(got, a.ids(t)...)
		next, more := a.decode(t)["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if slices.Reverse(want); !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	w.key = live
	if ids := w.do("GET", "/v1/messages?limit=100", "").ids(t); len(ids) != 9 {
		t.Errorf("a live key lists %d of 9", len(ids))
	}
}
