package projections

import (
	"testing"

	"github.com/pro-sms/prosms/events"
)

func TestAStorySaysWhoBroughtAnEventAboutAndWhatItFollowsFrom(t *testing.T) {
	recorded := func(version int, e events.Event, meta events.Meta) events.Recorded {
		return events.Recorded{StreamID: "msg_1", Version: version, Position: int64(40 + version), Type: e.EventType(), Data: e, Meta: meta}
	}
	after := func(actor, cause string) events.Meta {
		return events.Meta{Actor: actor, CausationID: cause, CorrelationID: "req_1"}
	}
	redriven := events.MessageRedriven{By: "ada", Reason: "mended", InDoubt: true}
	for _, tt := range []struct {
		e     events.Event
		meta  events.Meta
		text  string
		cause string
	}{
		{acceptedNow, after("key:k1", ""), "accepted: 1 segment in GSM-7, lane normal, worthless after 2030-01-31 08:50:00Z", "by API key k1, at request req_1"},
		{attempted, after("dispatcher", "msg_1:1"), "attempt 1 claimed, to be sent by twilio", "by the dispatcher, following the acceptance at position 41"},
		{failed, after("provider:twilio", "msg_1:2"), "", "by the word of provider twilio, following the claim at position 42"},
		{events.MessageInDoubt{Attempt: 1, Cause: "crash"}, after("scheduler", "msg_1:2"), "nobody knows whether attempt 1 was sent: crash",
			"by the scheduler, which missed an answer, following the claim at position 42"},
		{events.MessageReconciled{Attempt: 1, Outcome: "not_sent", Evidence: "no_trace"}, after("reconciler", "msg_1:4"),
			"the provider shows no trace of attempt 1: taken as not sent", "by a look-up at the provider, following the doubt at position 44"},
		{events.MessageReconciled{Attempt: 1, Outcome: "not_sent", Evidence: "operator"}, events.Meta{Actor: "operator:ada", Reason: "asked them"},
			"somebody has found out about attempt 1: not sent", `by operator ada, for the reason "asked them"`},
		{redriven, after("replayer", "replay_7:3"), "sent on its way again by ada: mended, although it may have been sent", "by the replayer, for replay_7"},
		{events.MessageDiscarded{By: "ada", Reason: "typo", ReplacedBy: "msg_2"}, events.Meta{Actor: "operator:cli"},
			"put aside by ada, msg_2 is sent in its place: typo", "by an operator on the command line"},
		{events.MessageDeferred{Until: acceptedNow.ExpiresAt.UTC(), Reason: "prefix_paused"}, after("dispatcher", "msg_1:1"),
			"put off until 2030-01-31 08:50:00Z: texts to numbers that begin like the recipient's are paused",
			"by the dispatcher, following the acceptance at position 41"},
		{events.MessageDeferred{Reason: "breaker"}, after("dispatcher", "msg_1:99"), "", "by the dispatcher, following version 99"},
		{acceptedNow, after("operator:bob", "msg_0:9"), "", "by operator bob, in the place of msg_0"},
		{events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1", ProviderRequestID: "RQ1"}, after("provider:twilio", "msg_1:2"),
			"twilio accepted attempt 1 as SM1 (request RQ1)", "by the word of provider twilio, following the claim at position 42"},
		{sent, after("", "consent_1:2"), "", "by nobody who was named, following version 2 of consent_1"},
		{acceptedNow, after("provider:twilio", "consent_1:2"), "",
			"by the word of provider twilio, to confirm the opt-out that is version 2 of consent_1, which does not block it"},
		{acceptedNow, after("provider:twilio", "inbound_1:1"), "", "by the word of provider twilio, to answer the recipient's text inbound_1"},
	} {
		log := []events.Recorded{
			recorded(1, acceptedNow, events.Meta{}), recorded(2, attempted, events.Meta{}), recorded(3, failed, events.Meta{}),
			recorded(4, events.MessageInDoubt{}, events.Meta{}), recorded(5, retried, events.Meta{}),
		}
		version := 1
		if tt.e.EventType() != "message.accepted" {
			version = 6
			log = append(log, recorded(6, tt.e, tt.meta))
		} else {
			log[0] = recorded(1, tt.e, tt.meta)
		}
		got := Story(log)[version-1]
		if tt.text != "" && got.Text != tt.text || got.Cause != tt.cause {
			t.Errorf("%s: %q, %q; want %q, %q", tt.e.EventType(), got.Text, got.Cause, tt.text, tt.cause)
		}
	}
}
