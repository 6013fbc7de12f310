package domain_test

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestAReceiptNeverMovesAMessageBackwards(t *testing.T) {
	receipt := func(attempt int, id, status string) domain.Receipt {
		result := map[string]domain.ReceiptResult{
			"sent": domain.ReceiptProgress, "delivered": domain.ReceiptDelivered, "undelivered": domain.ReceiptUndelivered,
		}[status]
		return domain.Receipt{Attempt: attempt, ProviderMessageID: id, ProviderStatus: status, Result: result, At: noon}
	}
	ignored := func(id, status, reason string) events.MessageReceiptIgnored {
		return events.MessageReceiptIgnored{ProviderMessageID: id, ProviderStatus: status, Reason: reason}
	}
	undelivered := events.MessageUndelivered{ProviderStatus: "undelivered", ErrorCode: "30003", At: noon}
	failed := receipt(1, "SM1", "undelivered")
	failed.ErrorCode = "30003"
	odd := receipt(1, "SM1", "delivered")
	odd.ErrorCode = "30044"
	byReceipt := events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1", ProviderStatus: "delivered"}
	proven := reconciled(1, "sent", "SM1", "receipt")
	secondOut := after(retrying, attempted(2))
	secondSent := after(secondOut, events.MessageDispatched{Attempt: 2, ProviderMessageID: "SM2"})
	secondDoubt := after(inDoubt, reconciled(1, "not_sent", "", "no_trace"), retried(2, 0), attempted(2), events.MessageInDoubt{Attempt: 2})

	checkDecisions(t, []decision{
		{"delivered", dispatched, receipt(1, "SM1", "delivered"), history(delivered), nil},
		{"delivered, with a code", dispatched, odd, history(events.MessageDelivered{ProviderStatus: "delivered", ErrorCode: "30044", At: noon}), nil},
		{"undelivered", dispatched, failed, history(undelivered), nil},
		{"on its way", dispatched, receipt(1, "SM1", "sent"), nil, nil},
		{"matched by the provider's id", dispatched, receipt(0, "SM1", "delivered"), history(delivered), nil},

		{"faster than the answer", claimed, receipt(1, "SM1", "delivered"), history(byReceipt, delivered), nil},
		{"in doubt: it was sent", inDoubt, receipt(1, "SM1", "sent"), history(proven), nil},
		{"in doubt: it was sent and arrived", inDoubt, receipt(1, "SM1", "delivered"), history(proven, delivered), nil},
		{"in doubt: it was sent in vain", inDoubt, failed, history(proven, undelivered), nil},
		{"retrying: no second attempt", retrying, receipt(1, "SM1", "sent"), history(proven), nil},
		{"redriven: no second attempt", after(dead, redriven), receipt(1, "SM1", "sent"), history(proven), nil},
		{"deferred after an attempt: no second one", after(retrying, events.MessageDeferred{Until: noon}), receipt(1, "SM1", "sent"), history(proven), nil},
		{"held in doubt: it was sent", after(inDoubt, reconciled(1, "unknown", "", "no_trace"), held), receipt(1, "SM1", "sent"), history(proven), nil},
		{"the first was sent, the second is in doubt", secondDoubt, receipt(1, "SM1", "sent"), history(proven), nil},
		{"then the first arrives", after(secondDoubt, proven), receipt(1, "SM1", "delivered"), history(delivered), nil},
		{"then the second was sent too", after(secondDoubt, proven), receipt(2, "SM2", "sent"), history(ignored("SM2", "sent", "other_provider_message")), nil},
		{"and the first again, once it has arrived", after(secondDoubt, proven, delivered), receipt(1, "SM1", "sent"), history(ignored("SM1", "sent", "final")), nil},

		{"an earlier attempt was sent, the second is out", secondOut, receipt(1, "SM1", "sent"), history(ignored("SM1", "sent", "duplicate_send")), nil},
		{"an earlier attempt was sent, the second too", secondSent, receipt(1, "SM1", "delivered"), history(ignored("SM1", "delivered", "duplicate_send")), nil},
		{"of another message of the provider's", dispatched, receipt(1, "SM9", "delivered"), history(ignored("SM9", "delivered", "other_provider_message")), nil},
		{"of an attempt never made", dispatched, receipt(2, "SM1", "delivered"), history(ignored("SM1", "delivered", "unknown_attempt")), nil},
		{"of a message never attempted", accepted, receipt(0, "SM1", "delivered"), history(ignored("SM1", "delivered", "unknown_attempt")), nil},
		{"after the end", after(dispatched, delivered), receipt(1, "SM1", "undelivered"), history(ignored("SM1", "undelivered", "final")), nil},
		{"of what was given up for good", dead, receipt(1, "SM1", "sent"), history(ignored("SM1", "sent", "final")), nil},
		{"ignored once", after(dispatched, delivered, ignored("SM1", "sent", "final")), receipt(1, "SM1", "sent"), nil, nil},
		{"ignored again with other news", after(dispatched, delivered, ignored("SM1", "sent", "final")), receipt(1, "SM1", "undelivered"), history(ignored("SM1", "undelivered", "final")), nil},
	})
}

func TestEvolveLeavesEarlierStatesAlone(t *testing.T) {
	before := message(after(dispatched, delivered, events.MessageReceiptIgnored{ProviderStatus: "sent", ProviderMessageID: "SM1"})...)
	before.Evolve(events.MessageReceiptIgnored{ProviderStatus: "queued", ProviderMessageID: "SM1"})
	receipt := domain.Receipt{Attempt: 1, ProviderMessageID: "SM1", ProviderStatus: "queued"}
	if got, err := before.Decide(receipt); err != nil || len(got) != 1 {
		t.Errorf("Decide = %v, %v; want the receipt noted", got, err)
	}
}
