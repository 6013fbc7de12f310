package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// decision is a row of the tables that specify the message: given events, when
// command, then events.
type decision struct {
	name  string
	given []events.Event
	when  domain.Command
	then  []events.Event
	err   error
}

func checkDecisions(t *testing.T, table []decision) {
	t.Helper()
	for _, d := range table {
		t.Run(d.name, func(t *testing.T) {
			got, err := message(d.given...).Decide(d.when)
			if !errors.Is(err, d.err) {
				t.Errorf("Decide: %v, want %v", err, d.err)
			}
			if diff := cmp.Diff(d.then, got); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

func message(given ...events.Event) domain.Message {
	var m domain.Message
	for _, e := range given {
		m = m.Evolve(e)
	}
	return m
}

// noon is when everything happens; hours are around it.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(hours int) *time.Time {
	t := noon.Add(time.Duration(hours) * time.Hour)
	return &t
}

var schedule = domain.RetrySchedule{Delays: []time.Duration{30 * time.Second, 5 * time.Minute}, Max: 3}

// retry is a try again in exactly the schedule's delay: chance ½ is no jitter.
var retry = domain.Retry{Schedule: schedule, Chance: 0.5, Now: noon}

// What happens in most rows.
var (
	text     = events.MessageAccepted{To: "+14155552671", Body: "Hello", Lane: "normal", Kind: "transactional"}
	later    = with(text, func(m *events.MessageAccepted) { m.SendAt = at(1) })
	expiring = with(text, func(m *events.MessageAccepted) { m.ExpiresAt = at(1) })
	expired  = with(text, func(m *events.MessageAccepted) { m.ExpiresAt = at(0) })

	sent       = events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1", ProviderStatus: "queued"}
	doubt      = events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"}
	throttled  = events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", HTTPStatus: 429}
	permanent  = events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "permanent", Code: "21211", HTTPStatus: 400, Detail: "no such number"}
	deadLetter = events.MessageDeadLettered{Reason: "permanent", Attempts: 1, Class: "permanent", Code: "21211", Detail: "no such number"}
	held       = events.MessageDeadLettered{Reason: "in_doubt", Attempts: 1, Class: "in_doubt"}
	redriven   = events.MessageRedriven{By: "ada", Reason: "mended", ReplayID: "r1"}
	delivered  = events.MessageDelivered{ProviderStatus: "delivered", At: noon}
)

func with(m events.MessageAccepted, change func(*events.MessageAccepted)) events.MessageAccepted {
	change(&m)
	return m
}

func attempted(n int) events.MessageAttempted {
	return events.MessageAttempted{Attempt: n, AttemptID: domain.AttemptID("msg_1", n), Provider: "twilio"}
}

func retried(n int, delay time.Duration) events.MessageRetried {
	return events.MessageRetried{Attempt: n, Delay: events.Duration(delay), DueAt: noon.Add(delay)}
}

func reconciled(attempt int, outcome, id, evidence string) events.MessageReconciled {
	return events.MessageReconciled{Attempt: attempt, Outcome: outcome, ProviderMessageID: id, Evidence: evidence}
}

func history(list ...events.Event) []events.Event { return list }

// claimed, inDoubt, … are histories that end where their name says.
var (
	accepted   = history(text)
	claimed    = history(text, attempted(1))
	inDoubt    = history(text, attempted(1), doubt)
	retrying   = history(text, attempted(1), throttled, retried(2, 30*time.Second))
	dispatched = history(text, attempted(1), sent)
	dead       = history(text, attempted(1), permanent, deadLetter)
)

func after(given []events.Event, more ...events.Event) []events.Event {
	return append(append([]events.Event{}, given...), more...)
}
