package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// faulty are the ports whose calls go wrong, and how densely the short run
// tries: what the clock calls is called often and alike.
var faulty = map[string]int64{
	"appends": 1, "reads": 5, "advances": 2, "searches": 5, "bus": 2, "provider": 1, "limiter": 1,
}

// Whichever call of whichever port goes wrong, and however, every text comes to
// its end, and none is sent twice.
func TestAnyCallOfAnyPortMayFail(t *testing.T) {
	for port, step := range faulty {
		for _, mishap := range mishaps {
			t.Run(fmt.Sprint(port, " ", mishap), func(t *testing.T) {
				t.Parallel()
				for _, times := range []int64{1, 25} {
					step := step * (1 + times/5)
					if os.Getenv("PROSMS_TEST_LONG") != "" {
						step = 1
					}
					runs := 0
					for n := int64(1); ; n += step {
						f := &fuse{mishap: mishap, n: n, times: times}
						runs++
						synctest.Test(t, func(t *testing.T) {
							carryOut(t, fuses{port: f}, time.Now)
						})
						if t.Failed() {
							t.Fatalf("with calls %d to %d", n, n+times-1)
						}
						if !f.blown() {
							break
						}
					}
					t.Logf("%d runs in which %d calls in a row went wrong", runs-1, times)
				}
			})
		}
	}
}

// A clock that jumps costs time, or saves it, and nothing else.
func TestTheClockMayJump(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-time.Hour, -10 * time.Second, 10 * time.Second, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			for after := range 12 {
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					carryOut(t, nil, func() time.Time {
						now := time.Now()
						if now.Sub(start) >= time.Duration(after)*700*time.Millisecond {
							now = now.Add(jump)
						}
						return now
					})
				})
			}
		})
	}
}

// errand is a text and how it has to end; "" means as an operator has to see to.
type errand struct {
	Body   string `json:"body"`
	To     string `json:"to"`
	Lane   string `json:"lane"`
	SendAt string `json:"send_at,omitempty"`

	end domain.Status
}

func errands(now time.Time) []errand {
	return []errand{
		{Body: "plain", To: "+14155550101", Lane: "normal", end: domain.Delivered},
		{Body: "urgent", To: "+14155550102", Lane: "high", end: domain.Delivered},
		{Body: "many", To: "+14155550103", Lane: "bulk", end: domain.Delivered},
		{Body: "throttled", To: "+14155550104", Lane: "normal", end: domain.Delivered},
		{Body: "lost", To: "+14155550105", Lane: "normal", end: domain.Delivered},
		{Body: "opted out", To: "+14155550106", Lane: "normal", end: domain.OptedOut},
		{Body: "refused", To: "+14155550107", Lane: "normal", end: domain.DeadLettered},
		{Body: "later", To: "+14155550108", Lane: "normal", end: domain.Delivered, SendAt: now.Add(3 * time.Second).Format(time.RFC3339)},
		{Body: "alike", To: "+14155550109", Lane: "normal", end: domain.Delivered},
		{Body: "alike", To: "+14155550109", Lane: "high", end: domain.Delivered},
	}
}

// carryOut sends one text of each sort through a plant and holds what came of
// them against what the provider has.
func carryOut(t *testing.T, set fuses, clock func() time.Time) {
	p := startPlant(t, set, clock)
	defer p.end()
	want := map[string]errand{}
	for n, e := range errands(clock()) {
		want[p.send(fmt.Sprint("key-", n), e)] = e
	}
	p.await(2 * time.Hour)
	streams := p.messages()
	if len(streams) != len(want) {
		t.Errorf("%d messages for %d requests", len(streams), len(want))
	}
	arrived := p.arrived()
	for id, e := range want {
		m := fold(streams[id])
		sent := len(arrived[id])
		switch {
		case m.Status != e.end:
			t.Errorf("%q is %s, want %s: %s", e.Body, m.Status, e.end, types(streams[id]))
		case e.end == domain.Delivered && sent != 1, e.end != domain.Delivered && sent > 0:
			// The provider's look-up finds all that it has: nothing is sent twice.
			t.Errorf("%q was accepted in %d attempts: %s", e.Body, sent, types(streams[id]))
		}
		for attempt, times := range arrived[id] {
			if times > 1 {
				t.Errorf("%q: attempt %d was accepted %d times", e.Body, attempt, times)
			}
		}
		if e.end == domain.OptedOut && !p.consented(m.Text.Consent) {
			t.Errorf("%q: its opt-out is not recorded: %s", e.Body, types(streams[id]))
		}
	}
}

// send asks until it is answered, and returns the id.
func (p *plant) send(key string, e errand) string {
	p.t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		p.t.Fatal(err)
	}
	for range 100 {
		request := httptest.NewRequestWithContext(p.t.Context(), "POST", "/v1/messages", strings.NewReader(string(body)))
		request.Header.Set("Authorization", "Bearer "+p.key)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		answer := httptest.NewRecorder()
		p.api.ServeHTTP(answer, request)
		if answer.Code == http.StatusServiceUnavailable {
			time.Sleep(time.Second)
			continue
		}
		var message struct{ ID string }
		if err := json.Unmarshal(answer.Body.Bytes(), &message); err != nil || answer.Code != http.StatusAccepted {
			p.t.Fatalf("sending %q: %d %s", e.Body, answer.Code, answer.Body)
		}
		return message.ID
	}
	p.t.Fatalf("sending %q: never answered", e.Body)
	return ""
}

// await waits until all messages have come to their end, or for as long as limit.
func (p *plant) await(limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Second) {
		done := true
		for _, stream := range p.messages() {
			done = done && fold(stream).Final()
		}
		if done {
			return
		}
	}
}

// arrived counts what the provider took on, by message and attempt.
func (p *plant) arrived() map[string]map[int]int {
	p.postman.mu.Lock()
	defer p.postman.mu.Unlock()
	arrived := map[string]map[int]int{}
	for _, text := range p.postman.accepted {
		if arrived[text.MessageID] == nil {
			arrived[text.MessageID] = map[int]int{}
		}
		arrived[text.MessageID][text.Attempt]++
	}
	return arrived
}

// consented reports whether a stream of consent knows of an opt-out.
func (p *plant) consented(id string) bool {
	p.t.Helper()
	recorded, err := p.log.Load(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	var consent domain.Consent
	for _, e := range recorded {
		consent = consent.Evolve(e.Data)
	}
	return consent.OptedOut
}

func fold(stream []events.Recorded) (m domain.Message) {
	for _, e := range stream {
		m = m.Evolve(e.Data)
	}
	return m
}

func types(stream []events.Recorded) string {
	var types []string
	for _, e := range stream {
		types = append(types, strings.TrimPrefix(e.Type, "message."))
	}
	return strings.Join(types, " ")
}

func frameOf(ctx context.Context, recorded []events.Recorded) *message.Message {
	payload, err := json.Marshal(ports.EventFrame{
		First: recorded[0].Position, Last: recorded[len(recorded)-1].Position, Events: recorded,
	})
	if err != nil {
		panic(err) // of events that were decoded just now
	}
	msg := message.NewMessage("frame", payload)
	msg.SetContext(ctx)
	return msg
}
