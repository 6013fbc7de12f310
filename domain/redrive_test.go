package domain_test

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

var (
	mended      = domain.Redrive{By: "ada", Reason: "mended", ReplayID: "r1"}
	discarded   = events.MessageDiscarded{By: "ada", Reason: "obsolete"}
	heldInDoubt = after(inDoubt, reconciled(1, "unknown", "", "no_trace"), held)
)

func TestADeadLetterIsRedrivenOrDiscardedAndNothingElseIs(t *testing.T) {
	ticked, again := mended, mended
	ticked.IncludeInDoubt, again.ReplayID = true, "r2"
	inDoubtRedriven := redriven
	inDoubtRedriven.InDoubt = true
	discard := domain.Discard{By: "ada", Reason: "obsolete"}
	deadAgain := after(dead, redriven, attempted(2), deadLetter)
	receipt := domain.Receipt{Attempt: 1, ProviderMessageID: "SM1", ProviderStatus: "sent"}
	checkDecisions(t, []decision{
		{"a dead letter is redriven", dead, mended, history(redriven), nil},
		{"once by a replay", after(dead, redriven), mended, nil, nil},
		{"once, even when it failed again", deadAgain, mended, nil, nil},
		{"but again by another", deadAgain, again, history(events.MessageRedriven{By: "ada", Reason: "mended", ReplayID: "r2"}), nil},
		{"and again by one without a name", after(dead, events.MessageRedriven{}, deadLetter), domain.Redrive{}, history(events.MessageRedriven{}), nil},
		{"nothing else is", dispatched, mended, nil, domain.ErrNotDeadLettered},
		{"not while another replay's is under way", after(dead, redriven), again, nil, domain.ErrNotDeadLettered},
		{"a doubt needs a tick", heldInDoubt, mended, nil, domain.ErrInDoubt},
		{"with it, the log says so", heldInDoubt, ticked, history(inDoubtRedriven), nil},
		{"without a doubt it does not", dead, ticked, history(redriven), nil},
		{"a doubt given up after retries needs a tick too", after(inDoubt, events.MessageDeadLettered{Reason: "exhausted", Class: "in_doubt"}), mended, nil, domain.ErrInDoubt},

		{"a dead letter is discarded", dead, discard, history(discarded), nil},
		{"once", after(dead, discarded), discard, nil, nil},
		{"nothing else is discarded", dispatched, discard, nil, domain.ErrNotDeadLettered},
		{"what is discarded is not redriven", after(dead, discarded), mended, nil, domain.ErrDiscarded},
		{"proof that it was sent still counts", after(heldInDoubt, discarded), receipt, history(reconciled(1, "sent", "SM1", "receipt")), nil},
	})
}

func TestAMessageThatNobodyCanClaimIsGivenUp(t *testing.T) {
	giveUp := func(attempt int) domain.GiveUp { return domain.GiveUp{Attempt: attempt, Detail: "claiming it fails"} }
	poison := func(attempts int) []events.Event {
		return history(events.MessageDeadLettered{Reason: "poison", Attempts: attempts, Detail: "claiming it fails"})
	}
	checkDecisions(t, []decision{
		{"while it waits", accepted, giveUp(1), poison(0), nil},
		{"between two attempts", retrying, giveUp(2), poison(1), nil},
		{"not once it is claimed", claimed, giveUp(1), nil, nil},
		{"not for another attempt's sake", retrying, giveUp(1), nil, nil},
		{"not twice", after(accepted, poison(0)...), giveUp(1), nil, nil},
	})
}

func TestWhatARedriveWouldComeToIsForeseen(t *testing.T) {
	ticked := mended
	ticked.IncludeInDoubt = true
	deadAndExpiring := history(expiring, attempted(1), permanent, deadLetter)
	for _, tt := range []struct {
		name     string
		given    []events.Event
		redrive  domain.Redrive
		optedOut bool
		hours    int
		want     domain.Prospect
	}{
		{"sent", dead, mended, false, 0, domain.WouldSend},
		{"opted out since", dead, mended, true, 0, domain.WouldBeOptedOut},
		{"still in time", deadAndExpiring, mended, false, 0, domain.WouldSend},
		{"expired", deadAndExpiring, mended, false, 2, domain.WouldHaveExpired},
		{"in doubt", heldInDoubt, mended, false, 0, domain.MayHaveBeenSent},
		{"in doubt, with the tick", heldInDoubt, ticked, false, 0, domain.WouldSend},
		{"discarded", after(dead, discarded), mended, false, 0, domain.WasDiscarded},
		{"sent already", dispatched, mended, false, 0, domain.NotDeadLettered},
		{"never accepted", nil, mended, false, 0, domain.NotDeadLettered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := message(tt.given...).Prospect(tt.redrive, tt.optedOut, *at(tt.hours)); got != tt.want {
				t.Errorf("Prospect = %s, want %s", got, tt.want)
			}
		})
	}
}
