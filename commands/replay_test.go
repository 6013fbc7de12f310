package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestAReplayThatCannotBeMadeIsRefused(t *testing.T) {
	w := newWorld(t)
	dead := []events.Event{text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered}
	w.record("msg_1", dead...)
	many := make([]string, domain.MaxReplay+1)
	for i := range many {
		many[i] = fmt.Sprint("msg_", i)
	}
	other, tester := caller, caller
	other.Tenant, tester.Test = "other", true
	for _, tt := range []struct {
		name    string
		caller  Caller
		request Replay
		pointer string
		code    string
	}{
		{"nothing selected", caller, Replay{Reason: "x"}, "/ids", CodeRequired},
		{"too much selected", caller, Replay{Reason: "x", IDs: many}, "/ids", CodeTooMany},
		{"a message twice", caller, Replay{Reason: "x", IDs: []string{"msg_1", "msg_1"}}, "/ids/1", CodeInvalidValue},
		{"no reason", caller, Replay{Reason: " ", IDs: []string{"msg_1"}}, "/reason", CodeRequired},
		{"too long a reason", caller, Replay{Reason: strings.Repeat("x", 201), IDs: []string{"msg_1"}}, "/reason", CodeTooLong},
		{"an unprintable reason", caller, Replay{Reason: "a\x00b", IDs: []string{"msg_1"}}, "/reason", CodeInvalidValue},
		{"too high a rate", caller, Replay{Reason: "x", IDs: []string{"msg_1"}, Rate: domain.MaxReplayRate + 1}, "/rate", CodeInvalidValue},
		{"an unknown message", caller, Replay{Reason: "x", IDs: []string{"msg_1", "msg_9"}}, "/ids/1", CodeNotFound},
		{"another tenant's", other, Replay{Reason: "x", IDs: []string{"msg_1"}}, "/ids/0", CodeNotFound},
		{"a live text by a test key", tester, Replay{Reason: "x", IDs: []string{"msg_1"}}, "/ids/0", CodeNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.handler.RequestReplay(t.Context(), tt.caller, tt.request)
			var invalid Invalid
			if !errors.As(err, &invalid) || len(invalid) != 1 || invalid[0].Pointer != tt.pointer || invalid[0].Code != tt.code {
				t.Errorf("%v, want %s at %s", err, tt.code, tt.pointer)
			}
		})
	}
}

func TestOneDeadLetterIsRefusedWhereItWouldBeSkipped(t *testing.T) {
	w := newWorld(t)
	dead := []events.Event{text(domain.Normal), events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered}
	w.record("msg_dead", dead...)
	w.record("msg_discarded", append(dead[:4:4], events.MessageDiscarded{})...)
	w.record("msg_doubt", text(domain.Normal), events.MessageAttempted{Attempt: 1}, events.MessageInDoubt{Attempt: 1}, heldInDoubt)
	w.record("msg_fresh", text(domain.Normal))
	for id, want := range map[string]error{
		"msg_dead": nil, "msg_discarded": domain.ErrDiscarded, "msg_doubt": domain.ErrInDoubt, "msg_fresh": domain.ErrNotDeadLettered, "msg_none": domain.ErrNotFound,
	} {
		if _, err := w.handler.RequestReplayOf(t.Context(), caller, id, Replay{Reason: "x"}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
	if _, err := w.handler.RequestReplayOf(t.Context(), caller, "msg_doubt", Replay{Reason: "x", IncludeInDoubt: true}); err != nil {
		t.Errorf("with the tick: %v", err)
	}
}

func TestAPreviewOfAReplayForeseesEachMessage(t *testing.T) {
	w := newWorld(t)
	past := time.Now().Add(-time.Hour)
	expired := text(domain.Normal)
	expired.ExpiresAt = &past
	optedOut := text(domain.Normal)
	optedOut.Consent = "consent_2"
	after := func(first events.MessageAccepted) []events.Event {
		return []events.Event{first, events.MessageAttempted{Attempt: 1}, refusedAttempt, deadLettered}
	}
	w.record("consent_2", events.ConsentOptedOut{Source: "api"})
	w.record("msg_send", after(text(domain.Normal))...)
	w.record("msg_expired", after(expired)...)
	w.record("msg_opted_out", after(optedOut)...)
	w.record("msg_fresh", text(domain.Normal))
	ids := []string{"msg_send", "msg_expired", "msg_opted_out", "msg_fresh"}
	got, err := w.handler.PreviewReplay(t.Context(), caller, Replay{IDs: ids})
	want := []Forecast{
		{"msg_send", domain.WouldSend}, {"msg_expired", domain.WouldHaveExpired},
		{"msg_opted_out", domain.WouldBeOptedOut}, {"msg_fresh", domain.NotDeadLettered},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestAReplayIsItsTenantsOnly(t *testing.T) {
	m := newMorgue(t, 2, Replay{})
	other := Caller{Tenant: "other", Actor: "key:other"}
	if err := m.handler.PauseReplay(t.Context(), other, m.replay, ""); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("pausing another tenant's: %v", err)
	}
	if err := m.handler.Discard(t.Context(), other, "msg_0", "x"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("discarding another tenant's: %v", err)
	}
	if err := m.handler.PauseReplay(t.Context(), caller, "replay_none", ""); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("pausing what is not: %v", err)
	}
	if err := m.handler.CancelReplay(t.Context(), caller, m.replay, "wrong one"); err != nil {
		t.Fatal(err)
	}
	m.pass(0)
	if m.redriven() != 0 {
		t.Error("canceled, it redrove something")
	}
	if err := m.handler.ResumeReplay(t.Context(), caller, m.replay, ""); !errors.Is(err, domain.ErrReplayEnded) {
		t.Errorf("resuming what is canceled: %v", err)
	}
}
