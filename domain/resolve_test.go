package domain_test

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestADoubtIsResolvedByHand(t *testing.T) {
	resolve := func(attempt int, v domain.Verdict, id string) domain.Resolve {
		return domain.Resolve{Attempt: attempt, Verdict: v, ProviderMessageID: id, By: "ada", Reason: "asked the provider"}
	}
	sent, resend, giveUp := resolve(1, domain.VerdictSent, "SM1"), resolve(1, domain.VerdictResend, ""), resolve(1, domain.VerdictGiveUp, "")
	again := events.MessageRedriven{By: "ada", Reason: "asked the provider"}
	resent := after(inDoubt, reconciled(1, "not_sent", "", "operator"), again)
	checkDecisions(t, []decision{
		{"it was sent", inDoubt, sent, history(reconciled(1, "sent", "SM1", "operator")), nil},
		{"it was not, and is sent again", inDoubt, resend, history(reconciled(1, "not_sent", "", "operator"), again), nil},
		{"nobody knows, and it stays", inDoubt, giveUp, history(reconciled(1, "unknown", "", "operator"),
			events.MessageDeadLettered{Reason: "in_doubt", Attempts: 1, Class: "in_doubt"},
			events.MessageDiscarded{By: "ada", Reason: "asked the provider"}), nil},
		{"not another attempt's", inDoubt, resolve(2, domain.VerdictSent, "SM2"), nil, domain.ErrNotInDoubt},
		{"not twice", resent, resend, nil, domain.ErrNotInDoubt},
		{"not what is under way", claimed, sent, nil, domain.ErrNotInDoubt},
		{"not what was sent", dispatched, resend, nil, domain.ErrNotInDoubt},
		{"proof settles a dead letter that is held", heldInDoubt, sent, history(reconciled(1, "sent", "SM1", "operator")), nil},
		{"which is sent again by a replay alone", heldInDoubt, resend, nil, domain.ErrNotInDoubt},
		{"and put aside by discarding alone", heldInDoubt, giveUp, nil, domain.ErrNotInDoubt},
		{"a dead letter without a doubt is not", dead, sent, nil, domain.ErrNotInDoubt},
		{"a verdict that is none", inDoubt, resolve(1, "perhaps", ""), nil, domain.ErrUnknownCommand},
		{"a new round begins", resent, domain.Claim{Attempt: 2, ID: "m/2", Provider: "twilio", Now: noon},
			history(events.MessageAttempted{Attempt: 2, AttemptID: "m/2", Provider: "twilio"}), nil},
		{"a late receipt still spares it", resent, domain.Receipt{Attempt: 1, ProviderMessageID: "SM1"}, history(reconciled(1, "sent", "SM1", "receipt")), nil},
	})
}

func TestADeadLetterIsReplacedOnce(t *testing.T) {
	replace := domain.Replace{By: "ada", Reason: "wrong number", MessageID: "msg_2"}
	ticked := replace
	ticked.IncludeInDoubt = true
	gone := events.MessageDiscarded{By: "ada", Reason: "wrong number", ReplacedBy: "msg_2"}
	checkDecisions(t, []decision{
		{"it names the new one", dead, replace, history(gone), nil},
		{"not twice", after(dead, gone), replace, nil, domain.ErrDiscarded},
		{"nor sent again afterwards", after(dead, gone), mended, nil, domain.ErrDiscarded},
		{"a doubt needs a tick", heldInDoubt, replace, nil, domain.ErrInDoubt},
		{"and goes with one", heldInDoubt, ticked, history(gone), nil},
		{"nothing else is", dispatched, replace, nil, domain.ErrNotDeadLettered},
	})
}
