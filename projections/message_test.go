package projections

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

// minute is n minutes into the life of the test's message.
func minute(n int) time.Time { return time.Date(2030, 1, 31, 8, n, 0, 0, time.UTC) }

// recorded is a stream with an event at each minute.
func recorded(id string, log ...events.Event) []events.Recorded {
	stream := make([]events.Recorded, len(log))
	for i, e := range log {
		stream[i] = events.Recorded{
			Position: int64(i + 1), StreamID: id, Version: i + 1, Type: e.EventType(), Data: e,
			Meta: events.Meta{Tenant: "acme"}, RecordedAt: minute(i + 1),
		}
	}
	return stream
}

func ptr[T any](v T) *T { return &v }

var (
	sendAt, expiresAt = minute(30), minute(50)

	acceptedNow = events.MessageAccepted{
		To: "+14155552671", From: "Acme", Body: "hello", Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional",
		Reference: "order-1", Metadata: map[string]string{"k": "v"}, CallbackURL: "https://example.com/", Consent: "consent_1", ExpiresAt: &expiresAt,
	}
	attempted = events.MessageAttempted{Attempt: 1, AttemptID: "msg_1/1", Provider: "twilio"}
	failed    = events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", HTTPStatus: 429, Detail: "too fast"}
	retried   = events.MessageRetried{Attempt: 2, Delay: events.Duration(time.Hour), DueAt: sendAt}
	inDoubt   = events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"}
	sent      = events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1", ProviderStatus: "queued"}

	failedAttempt = Attempt{
		Attempt: 1, Provider: "twilio", Outcome: "failed", Class: "throttled", Code: "20429", Detail: "too fast",
		StartedAt: minute(2), FinishedAt: ptr(minute(3)),
	}
	failure      = &LastError{Class: "throttled", Code: "20429", Detail: "too fast", At: minute(3)}
	doubt        = &LastError{Class: "in_doubt", Detail: "timeout", At: minute(3)}
	sentAttempt  = Attempt{Attempt: 1, Provider: "twilio", Outcome: "sent", ProviderMessageID: "SM1", StartedAt: minute(2), FinishedAt: ptr(minute(3))}
	doubtAttempt = Attempt{Attempt: 1, Provider: "twilio", Outcome: "in_doubt", Class: "in_doubt", Detail: "timeout", StartedAt: minute(2), FinishedAt: ptr(minute(3))}
)

// reconciledAs is the doubtful attempt after its doubt was resolved in minute 4.
func reconciledAs(outcome, id string) []Attempt {
	return []Attempt{{Attempt: 1, Provider: "twilio", Outcome: outcome, ProviderMessageID: id, StartedAt: minute(2), FinishedAt: ptr(minute(4))}}
}

// lives are the rows that follow from events after message.accepted; version and
// updated_at follow from their number.
var lives = []struct {
	name string
	log  []events.Event
	want func(m *Message)
}{
	{"accepted", nil, func(*Message) {}},
	{"deferred", []events.Event{events.MessageDeferred{Until: sendAt, Reason: "pacing"}}, func(m *Message) {
		m.Status, m.DueAt, m.Since = "scheduled", &sendAt, minute(2)
	}},
	{"attempted", []events.Event{attempted}, func(m *Message) {
		m.Status, m.Since, m.Provider = "dispatching", minute(2), "twilio"
		m.Attempts = []Attempt{{Attempt: 1, Provider: "twilio", Outcome: "pending", StartedAt: minute(2)}}
	}},
	{"attempted when due", []events.Event{events.MessageDeferred{Until: sendAt}, attempted}, func(m *Message) {
		m.Status, m.Since, m.Provider = "dispatching", minute(3), "twilio"
		m.Attempts = []Attempt{{Attempt: 1, Provider: "twilio", Outcome: "pending", StartedAt: minute(3)}}
	}},
	{"dispatched", []events.Event{attempted, sent}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.ProviderMessageID = "dispatched", minute(3), "twilio", "SM1"
		m.Attempts = []Attempt{sentAttempt}
	}},
	{"failed and retried", []events.Event{attempted, failed, retried}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.DueAt = "retrying", minute(4), "twilio", &sendAt
		m.Attempts, m.LastError = []Attempt{failedAttempt}, failure
	}},
	{"attempted again", []events.Event{attempted, failed, retried, events.MessageAttempted{Attempt: 2, Provider: "other"}}, func(m *Message) {
		m.Status, m.Since, m.Provider = "dispatching", minute(5), "other"
		m.Attempts = []Attempt{failedAttempt, {Attempt: 2, Provider: "other", Outcome: "pending", StartedAt: minute(5)}}
		m.LastError = failure
	}},
	{"in doubt", []events.Event{attempted, inDoubt}, func(m *Message) {
		m.Status, m.Since, m.Provider = "in_doubt", minute(3), "twilio"
		m.Attempts, m.LastError = []Attempt{doubtAttempt}, doubt
	}},
	{"reconciled as sent", []events.Event{attempted, inDoubt, events.MessageReconciled{Attempt: 1, Outcome: "sent", ProviderMessageID: "SM1"}}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.ProviderMessageID = "dispatched", minute(4), "twilio", "SM1"
		m.Attempts, m.LastError = reconciledAs("sent", "SM1"), doubt
	}},
	{"reconciled as not sent", []events.Event{attempted, inDoubt, events.MessageReconciled{Attempt: 1, Outcome: "not_sent"}, retried}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.DueAt = "retrying", minute(5), "twilio", &sendAt
		m.Attempts, m.LastError = reconciledAs("not_sent", ""), doubt
	}},
	{"held for an operator", []events.Event{attempted, inDoubt, events.MessageReconciled{Attempt: 1, Outcome: "unknown"}, events.MessageDeadLettered{Reason: "in_doubt"}}, func(m *Message) {
		m.Status, m.Since, m.Provider = "dead_lettered", minute(5), "twilio"
		m.Attempts, m.LastError = reconciledAs("unknown", ""), doubt
	}},
	{"sent after all, while a retry waited", []events.Event{attempted, inDoubt, retried, events.MessageReconciled{Attempt: 1, Outcome: "sent", ProviderMessageID: "SM1"}}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.ProviderMessageID, m.LastError = "dispatched", minute(5), "twilio", "SM1", doubt
		m.Attempts = reconciledAs("sent", "SM1")
		m.Attempts[0].FinishedAt = ptr(minute(5))
	}},
	{"dead-lettered", []events.Event{attempted, failed, events.MessageDeadLettered{Reason: "exhausted", Attempts: 1}}, func(m *Message) {
		m.Status, m.Since, m.Provider = "dead_lettered", minute(4), "twilio"
		m.Attempts, m.LastError = []Attempt{failedAttempt}, failure
	}},
	{"discarded", []events.Event{attempted, failed, events.MessageDeadLettered{}, events.MessageDiscarded{By: "ada"}}, func(m *Message) {
		m.Status, m.Provider, m.Attempts, m.LastError, m.Since = "dead_lettered", "twilio", []Attempt{failedAttempt}, failure, minute(4)
	}},
	{"redriven", []events.Event{attempted, failed, events.MessageDeadLettered{}, events.MessageRedriven{By: "ada"}}, func(m *Message) {
		m.Status, m.Since, m.Provider = "accepted", minute(5), "twilio"
		m.Attempts, m.LastError = []Attempt{failedAttempt}, failure
	}},
	{"opted out", []events.Event{events.MessageOptedOut{Source: "consent"}}, func(m *Message) {
		m.Status, m.Since = "opted_out", minute(2)
	}},
	{"delivered", []events.Event{attempted, sent, events.MessageDelivered{ProviderStatus: "delivered", At: minute(4)}}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.ProviderMessageID = "delivered", minute(4), "twilio", "SM1"
		m.Attempts = []Attempt{sentAttempt}
	}},
	{"undelivered", []events.Event{attempted, sent, events.MessageUndelivered{ProviderStatus: "failed", ErrorCode: "30003"}}, func(m *Message) {
		m.Status, m.Since, m.Provider, m.ProviderMessageID = "undelivered", minute(4), "twilio", "SM1"
		m.Attempts, m.LastError = []Attempt{sentAttempt}, &LastError{Class: "undelivered", Code: "30003", At: minute(4)}
	}},
	{"canceled while deferred", []events.Event{events.MessageDeferred{Until: sendAt}, events.MessageCanceled{By: "key:1"}}, func(m *Message) {
		m.Status, m.Since = "canceled", minute(3)
	}},
	{"expired while retrying", []events.Event{attempted, failed, retried, events.MessageExpired{ExpiresAt: expiresAt}}, func(m *Message) {
		m.Status, m.Since, m.Provider = "expired", minute(5), "twilio"
		m.Attempts, m.LastError = []Attempt{failedAttempt}, failure
	}},
	{"a receipt ignored", []events.Event{events.MessageReceiptIgnored{ProviderStatus: "sent"}}, func(*Message) {}},
	{"redacted at the provider", []events.Event{events.MessageRedactionFailed{ProviderMessageID: "SM1", What: "body"}, events.MessageRedacted{ProviderMessageID: "SM1", What: "body"}}, func(*Message) {}},
	{"something that a newer build knows", []events.Event{events.Unknown{Type: "message.blessed"}}, func(*Message) {}},
}

func TestTheRowThatFollowsFromEvents(t *testing.T) {
	for _, tt := range lives {
		t.Run(tt.name, func(t *testing.T) {
			want := Message{
				ID: "msg_1", Status: "accepted", To: "+14155552671", From: "Acme", Body: "hello", Encoding: "GSM-7", Segments: 1,
				Lane: "normal", Kind: "transactional", Reference: "order-1", Metadata: map[string]string{"k": "v"}, CallbackURL: "https://example.com/",
				Attempts: []Attempt{}, CreatedAt: minute(1), ExpiresAt: &expiresAt, Tenant: "acme", Consent: "consent_1", Since: minute(1),
			}
			tt.want(&want)
			want.Version, want.UpdatedAt = len(tt.log)+1, minute(len(tt.log)+1)
			got := Of[Message](recorded("msg_1", append([]events.Event{acceptedNow}, tt.log...)...))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTableOfRowsKnowsEveryEventOfAMessage(t *testing.T) {
	known := map[string]bool{"message.accepted": true}
	for _, life := range lives {
		for _, e := range life.log {
			known[e.EventType()] = true
		}
	}
	paths, err := filepath.Glob("../events/testdata/message.*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("finding golden events: %d, %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.Join(strings.Split(filepath.Base(path), ".")[:2], ".")
		if !known[name] {
			t.Errorf("%s is in no row of the table", name)
		}
	}
}

func TestATextForLaterIsDueThen(t *testing.T) {
	later := acceptedNow
	later.SendAt, later.Test = &sendAt, true
	m := Of[Message](recorded("msg_1", later))
	if m.Status != "scheduled" || !m.DueAt.Equal(sendAt) || !m.SendAt.Equal(sendAt) || !m.Test {
		t.Errorf("it is %s, due at %v, test %v", m.Status, m.DueAt, m.Test)
	}
}

// The scheduler searches this column; null means that nobody has to see to it.
func TestSinceWhenAMessageNeedsAttention(t *testing.T) {
	for _, tt := range []struct {
		log  []events.Event
		want any
	}{
		{nil, minute(1)},
		{[]events.Event{events.MessageDeferred{Until: sendAt}}, sendAt},
		{[]events.Event{attempted}, minute(2)},
		{[]events.Event{attempted, failed, retried}, sendAt},
		{[]events.Event{attempted, inDoubt}, minute(3)},
		{[]events.Event{attempted, inDoubt, events.MessageReceiptIgnored{}}, minute(3)},
		{[]events.Event{attempted, sent}, minute(3)},
		{[]events.Event{attempted, sent, events.MessageDelivered{}}, nil},
		{[]events.Event{attempted, failed, events.MessageDeadLettered{}}, nil},
		{[]events.Event{events.MessageCanceled{}}, nil},
	} {
		m := Of[Message](recorded("msg_1", append([]events.Event{acceptedNow}, tt.log...)...))
		if got := m.attentionAt(); got != tt.want {
			t.Errorf("%s: %v, want %v", m.Status, got, tt.want)
		}
	}
}

func TestApplyLeavesTheRowBeforeAsItWas(t *testing.T) {
	before := Of[Message](recorded("msg_1", acceptedNow))
	before.Attempts = make([]Attempt, 0, 4) // as a decoder leaves it, with room
	one := before.Apply(events.Recorded{Data: events.MessageAttempted{Attempt: 1, Provider: "one"}})
	two := before.Apply(events.Recorded{Data: events.MessageAttempted{Attempt: 1, Provider: "two"}})
	one.Apply(events.Recorded{Data: sent})
	if one.Attempts[0].Provider != "one" || two.Attempts[0].Provider != "two" || one.Attempts[0].Outcome != "pending" || len(before.Attempts) != 0 {
		t.Errorf("rows share their attempts: %+v, %+v", one.Attempts, two.Attempts)
	}
}

func TestTheRowOfAKey(t *testing.T) {
	issued := events.KeyIssued{Tenant: "acme", Scopes: []string{"admin"}, Test: true, ExpiresAt: &expiresAt}
	want := Key{ID: "1", Tenant: "acme", Scopes: []string{"admin"}, Test: true, CreatedAt: minute(1), ExpiresAt: &expiresAt}
	if diff := cmp.Diff(want, Of[Key](recorded("key_1", issued))); diff != "" {
		t.Errorf("issued (-want +got):\n%s", diff)
	}
	want.RevokedAt = ptr(minute(2))
	if diff := cmp.Diff(want, Of[Key](recorded("key_1", issued, events.KeyRevoked{By: "ada"}))); diff != "" {
		t.Errorf("revoked (-want +got):\n%s", diff)
	}
}
