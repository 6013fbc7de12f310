package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// follower reads an event stream.
type follower struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

// follow opens a stream; headers are those of do.
func (w *world) follow(query, key string, headers ...string) *follower {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", w.url+"/v1/events/stream"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("following: %v, %v", response, err)
	}
	f := &follower{t: w.t, lines: bufio.NewScanner(response.Body)}
	f.close = func() { cancel(); _ = response.Body.Close() }
	w.t.Cleanup(f.close)
	return f
}

// next returns the next event; false when the stream has ended.
func (f *follower) next() (id, kind string, e events.Recorded, ok bool) {
	f.t.Helper()
	for f.lines.Scan() {
		field, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				f.t.Fatal(err)
			}
		case "":
			if kind != "" {
				return id, kind, e, true
			}
		}
	}
	return "", "", events.Recorded{}, false
}

func (f *follower) expect(types ...string) (last string) {
	f.t.Helper()
	for _, want := range types {
		id, kind, e, ok := f.next()
		if !ok || kind != want || e.Type != want {
			f.t.Fatalf("got %q (%v), want %q", kind, ok, want)
		}
		last = id
	}
	return last
}

func TestAStreamGoesOnWhereTheClientWas(t *testing.T) {
	w := newWorld(t)
	before := w.accept(text())
	atHead := w.follow("", w.key)
	fromStart := w.follow("?after=0&type=message", w.key)
	fromStart.expect("message.accepted")
	w.happen(before, events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"})
	last := atHead.expect("message.attempted")
	fromStart.expect("message.attempted")
	atHead.close()
	w.happen(before, events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"})
	w.accept(text())
	w.follow("?after=0", w.key, "Last-Event-ID: "+last).expect("message.dispatched", "message.accepted")
	fromStart.expect("message.dispatched", "message.accepted")
}

func TestAStreamShowsOneTenantOnly(t *testing.T) {
	w := newWorld(t)
	other := w.newKey("zenith", domain.ScopeRead)
	theirs := w.follow("?after=0", other)
	theirs.expect("key.issued")
	w.accept(text())
	w.newKey("zenith", domain.ScopeRead)
	theirs.expect("key.issued") // and not the text of acme before it
}

func TestAStreamEndsWithItsKeyAndWithTheServer(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w, _, stop := served(t)
	reader := w.issue(commands.IssueKey{Tenant: "acme"}, domain.ScopeRead)
	revoked, lasting := w.follow("", reader.Secret), w.follow("", w.key)
	if a := w.do("DELETE", "/v1/keys/"+reader.ID, ""); a.status != http.StatusNoContent {
		t.Fatalf("revoking: %d %s", a.status, a.body)
	}
	lasting.expect("key.revoked")
	for kind := ""; ; {
		var ok bool
		if _, kind, _, ok = revoked.next(); !ok {
			break
		}
		if kind != "key.revoked" { // its key may still have been good when that was read
			t.Errorf("after its key was revoked it shows %s", kind)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if _, kind, _, ok := lasting.next(); ok {
		t.Errorf("after the server has stopped it shows %s", kind)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, func(s *api.Server) { s.MaxStreams = 1 })
	first := w.follow("", w.key)
	a := w.do("GET", "/v1/events/stream", "")
	if a.status != http.StatusServiceUnavailable || a.problem(t).Code != "overloaded" || a.header.Get("Retry-After") == "" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	first.close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		r, err := http.NewRequestWithContext(ctx, "GET", w.url+"/v1/events/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.key)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		status := response.StatusCode
		cancel()
		_ = response.Body.Close()
		if status == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the place of a client that left is not free: %d", status)
		}
	}
}
