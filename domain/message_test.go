package domain_test

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestMessagesAreAcceptedOnceAndEndedInTime(t *testing.T) {
	deferred := events.MessageDeferred{Until: *at(1), Reason: "quiet_hours"}
	finalHistories := map[string][]events.Event{
		"dispatched":    dispatched,
		"delivered":     after(dispatched, delivered),
		"dead-lettered": dead,
		"opted out":     history(text, events.MessageOptedOut{Source: "consent"}),
		"expired":       history(expired, events.MessageExpired{ExpiresAt: noon}),
	}
	table := []decision{
		{"a text is accepted", nil, domain.Accept{Text: text}, history(text), nil},
		{"once", accepted, domain.Accept{Text: text}, nil, domain.ErrExists},
		{"what was never accepted is not found", nil, domain.Claim{Attempt: 1}, nil, domain.ErrNotFound},
		{"what only looks like a command is unknown", accepted, "claim", nil, domain.ErrUnknownCommand},
		{"an event of a newer build changes nothing", history(text, events.Unknown{Type: "message.blessed"}), domain.Cancel{By: "key:1"}, history(events.MessageCanceled{By: "key:1"}), nil},

		{"an accepted text is called back", accepted, domain.Cancel{By: "key:1"}, history(events.MessageCanceled{By: "key:1"}), nil},
		{"a scheduled one too", history(later), domain.Cancel{By: "key:1"}, history(events.MessageCanceled{By: "key:1"}), nil},
		{"a deferred one too", history(text, deferred), domain.Cancel{By: "key:1"}, history(events.MessageCanceled{By: "key:1"}), nil},
		{"twice is once", history(text, events.MessageCanceled{By: "key:1"}), domain.Cancel{By: "key:2"}, nil, nil},
		{"not once it is claimed", claimed, domain.Cancel{}, nil, domain.ErrClaimed},
		{"not between two attempts", retrying, domain.Cancel{}, nil, domain.ErrClaimed},
		{"not once it is sent", dispatched, domain.Cancel{}, nil, domain.ErrClaimed},
		{"not once it is final", finalHistories["opted out"], domain.Cancel{}, nil, domain.ErrFinal},

		{"an attempt waits for a breaker", accepted, domain.Defer{Attempt: 1, Until: *at(1), Reason: "breaker"}, history(events.MessageDeferred{Until: *at(1), Reason: "breaker"}), nil},
		{"a retry too", retrying, domain.Defer{Attempt: 2, Until: *at(1), Reason: "pacing"}, history(events.MessageDeferred{Until: *at(1), Reason: "pacing"}), nil},
		{"no longer than it is worth sending", history(expiring), domain.Defer{Attempt: 1, Until: *at(2), Reason: "breaker"}, history(events.MessageDeferred{Until: *at(1), Reason: "breaker"}), nil},
		{"not if it waits as long anyway", history(text, deferred), domain.Defer{Attempt: 1, Until: *at(1)}, nil, nil},
		{"not if another attempt is meant", accepted, domain.Defer{Attempt: 2, Until: *at(1)}, nil, nil},
		{"not once it is claimed, either", claimed, domain.Defer{Attempt: 2, Until: *at(1)}, nil, nil},

		{"it expires at its time", history(expiring), domain.Expire{Now: *at(1)}, history(events.MessageExpired{ExpiresAt: *at(1)}), nil},
		{"and not before", history(expiring), domain.Expire{Now: noon}, nil, nil},
		{"and not without a time", accepted, domain.Expire{Now: *at(1000)}, nil, nil},
		{"and not while it is being sent", history(expiring, attempted(1)), domain.Expire{Now: *at(2)}, nil, nil},
		{"but between two attempts", history(expiring, attempted(1), throttled, retried(2, 0)), domain.Expire{Now: *at(2)}, history(events.MessageExpired{ExpiresAt: *at(1)}), nil},
	}
	for name, given := range finalHistories {
		table = append(table, decision{"no expiry once " + name, given, domain.Expire{Now: *at(1000)}, nil, nil})
		table = append(table, decision{"no claim once " + name, given, domain.Claim{Attempt: 2, Now: noon}, nil, nil})
	}
	checkDecisions(t, table)
}

func TestFinalStatusesAreFinalAndWaitingOnesWait(t *testing.T) {
	want := map[domain.Status]struct{ waiting, final bool }{
		domain.Scheduled: {waiting: true}, domain.Accepted: {waiting: true}, domain.Retrying: {waiting: true},
		domain.Dispatching: {}, domain.InDoubt: {}, domain.Dispatched: {},
		domain.Delivered: {final: true}, domain.Undelivered: {final: true}, domain.DeadLettered: {final: true},
		domain.OptedOut: {final: true}, domain.Canceled: {final: true}, domain.Expired: {final: true},
	}
	if len(want) != len(domain.Statuses) {
		t.Errorf("%d statuses are checked, there are %d", len(want), len(domain.Statuses))
	}
	for _, status := range domain.Statuses {
		m := domain.Message{Status: status}
		if got := want[status]; m.Waiting() != got.waiting || m.Final() != got.final {
			t.Errorf("%s: waiting %v, final %v", status, m.Waiting(), m.Final())
		}
	}
}
