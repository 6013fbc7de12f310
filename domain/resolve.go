package domain

import (
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// ErrNotInDoubt refuses to resolve a message of which it is known what came of it.
var ErrNotInDoubt = errors.New("not in doubt")

// EvidenceOperator says that a person has found out what came of a doubt.
const EvidenceOperator = "operator"

// Verdict is what an operator has found out about a doubt.
type Verdict string

// The verdicts.
const (
	VerdictSent   Verdict = "sent"    // the provider has it
	VerdictResend Verdict = "resend"  // it was not sent: another round of attempts begins
	VerdictGiveUp Verdict = "give_up" // nobody can find out, and it is not worth sending again
)

// Verdicts lists all of them.
var Verdicts = []Verdict{VerdictSent, VerdictResend, VerdictGiveUp}

// Resolve settles a doubt by hand.
type Resolve struct {
	Attempt           int // the one that is meant; any other is known by now
	Verdict           Verdict
	ProviderMessageID string // with VerdictSent
	By, Reason        string
}

// resolve takes an operator's word on the last attempt. Of a dead letter that is
// held in doubt it takes proof alone: sending it again is Redrive, leaving it is Discard.
func (m Message) resolve(c Resolve) ([]events.Event, error) {
	open := m.Status == InDoubt || m.InDoubtHeld() && c.Verdict == VerdictSent
	if !open || c.Attempt != m.Attempt {
		return nil, fmt.Errorf("resolving attempt %d of a message that is %s: %w", c.Attempt, m.Status, ErrNotInDoubt)
	}
	found := events.MessageReconciled{Attempt: m.Attempt, Evidence: EvidenceOperator}
	switch c.Verdict {
	case VerdictSent:
		found.Outcome, found.ProviderMessageID = OutcomeSent, c.ProviderMessageID
		return []events.Event{found}, nil
	case VerdictResend:
		found.Outcome = OutcomeNotSent
		return []events.Event{found, events.MessageRedriven{By: c.By, Reason: c.Reason}}, nil
	case VerdictGiveUp:
		found.Outcome = OutcomeUnknown
		return []events.Event{
			found, m.deadLetter(ReasonInDoubt, events.MessageFailed{Class: string(ClassInDoubt)}),
			events.MessageDiscarded{By: c.By, Reason: c.Reason},
		}, nil
	}
	return nil, fmt.Errorf("resolving as %q: %w", c.Verdict, ErrUnknownCommand)
}
