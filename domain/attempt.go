package domain

import (
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Outcomes of a reconciliation.
const (
	OutcomeSent    = "sent"
	OutcomeNotSent = "not_sent"
	OutcomeUnknown = "unknown"
)

// Reasons of a dead letter.
const (
	ReasonExhausted = "exhausted"
	ReasonPermanent = "permanent"
	ReasonInDoubt   = "in_doubt"
	ReasonPoison    = "poison"
	ReasonErased    = "erased" // its number or body can no longer be read
)

// DeadLetterReasons lists all of them.
var DeadLetterReasons = []string{ReasonExhausted, ReasonPermanent, ReasonInDoubt, ReasonPoison, ReasonErased}

// Reasons for which a text is deferred.
const (
	DeferredForBreaker = "breaker"
	DeferredForPacing  = "pacing"
	DeferredForHours   = "quiet_hours"
	DeferredForPrefix  = "prefix_paused" // texts to numbers that begin like the recipient's are paused
)

// CodeNoWindow is the error code of a text that its recipient's quiet hours never let out.
const CodeNoWindow = "no_sending_window"

// AttemptID names one attempt at one message.
func AttemptID(messageID string, attempt int) string {
	return fmt.Sprintf("%s/%d", messageID, attempt)
}

// claim gives the attempt that c means to whoever asks first, unless the text
// must not or need not be sent any more.
func (m Message) claim(c Claim) []events.Event {
	switch {
	case !m.Waiting() || c.Attempt != m.Attempt+1:
		return nil
	case c.OptedOut:
		return []events.Event{events.MessageOptedOut{Source: "consent"}}
	case m.expiredAt(c.Now):
		return []events.Event{events.MessageExpired{ExpiresAt: *m.Text.ExpiresAt}}
	case c.Erased:
		return []events.Event{m.deadLetter(ReasonErased, events.MessageFailed{})}
	case c.Now.Before(m.DueAt):
		return nil
	case c.Quiet.Never:
		return []events.Event{m.deadLetter(ReasonPermanent, events.MessageFailed{
			Class: string(ClassPermanent), Code: CodeNoWindow, Detail: "the recipient's zones have no common hour in which it may be sent",
		})}
	case c.Quiet.Until.After(c.Now):
		return m.deferUntil(c.Quiet.Until)
	case c.Paused.After(c.Now):
		return m.postpone(Defer{Attempt: c.Attempt, Until: c.Paused, Reason: DeferredForPrefix})
	}
	return []events.Event{events.MessageAttempted{Attempt: c.Attempt, AttemptID: c.ID, Provider: c.Provider}}
}

// postpone lets m wait longer than it does, but not longer than it is worth
// sending: what it waits for may be over before it is.
func (m Message) postpone(c Defer) []events.Event {
	until := c.Until
	if m.expiredAt(until) {
		until = *m.Text.ExpiresAt
	}
	if !m.Waiting() || c.Attempt != m.Attempt+1 || !until.After(m.DueAt) {
		return nil
	}
	return []events.Event{events.MessageDeferred{Until: until, Reason: c.Reason}}
}

// deferUntil lets m wait for its recipient's hours, or gives it up where it would
// have expired by then.
func (m Message) deferUntil(until time.Time) []events.Event {
	if m.expiredAt(until) {
		return []events.Event{events.MessageExpired{ExpiresAt: *m.Text.ExpiresAt}}
	}
	return []events.Event{events.MessageDeferred{Until: until, Reason: DeferredForHours}}
}

// sent takes the provider's answer. Where it comes too late to matter it is
// recorded all the same: proof of a text that was sent is never dropped.
func (m Message) sent(c RecordSent) []events.Event {
	switch {
	case !m.made(c.Attempt):
		return m.ignore(c.ProviderMessageID, c.ProviderStatus, "", ignoredUnknown)
	case m.Status == Dispatching && c.Attempt == m.Attempt:
		return []events.Event{events.MessageDispatched{
			Attempt: c.Attempt, Provider: c.Provider,
			ProviderMessageID: c.ProviderMessageID, ProviderStatus: c.ProviderStatus, ProviderRequestID: c.ProviderRequestID,
		}}
	case m.unresolved():
		return []events.Event{events.MessageReconciled{
			Attempt: c.Attempt, Outcome: OutcomeSent, ProviderMessageID: c.ProviderMessageID, Evidence: "response",
		}}
	case m.ProviderMessageID == c.ProviderMessageID: // a receipt was faster
		return nil
	}
	return m.ignore(c.ProviderMessageID, c.ProviderStatus, "", m.ignoredAs(c.Attempt, c.ProviderMessageID))
}

// unresolved reports whether proof that an attempt was sent settles m: there is
// none yet, and without it m would be sent once more, or is held for an operator.
func (m Message) unresolved() bool {
	switch m.Status {
	case InDoubt, Retrying:
		return true
	case DeadLettered:
		return m.inDoubtHeld
	case Accepted, Scheduled: // redriven, or deferred between two attempts
		return m.Attempt > 0
	}
	return false
}

func (m Message) fail(c RecordFailure) []events.Event {
	f := c.Failure
	if f.Attempt != m.Attempt || (m.Status != Dispatching && m.Status != InDoubt) {
		return nil
	}
	switch Class(f.Class) {
	case ClassPermanent:
		return []events.Event{f, m.deadLetter(ReasonPermanent, f)}
	case ClassOptedOut:
		return []events.Event{f, events.MessageOptedOut{Source: "provider"}}
	}
	// Certainly not sent: another provider may have it, at once.
	next := m.evolveFailed(f)
	if len(next.able(c.Candidates)) == 0 && Class(f.Class) == ClassUnroutable {
		return []events.Event{f, m.deadLetter(ReasonPermanent, f)}
	}
	if next.untried(c.Candidates) {
		f.RetryAfter = events.Duration(c.RetryAfter)
		return []events.Event{f, m.failOver(c.Retry, f)}
	}
	return []events.Event{f, m.retry(c.Retry, max(c.RetryAfter, m.wish), f)}
}

// AttemptsLeft returns how many attempts the drive has still to make, the coming
// one among them.
func (m Message) AttemptsLeft(s RetrySchedule) int { return s.Max + 1 - (m.Attempt - m.DriveStart) }

// Tired reports whether the coming attempt is the last one, after others.
func (m Message) Tired(s RetrySchedule) bool {
	return m.Attempt > m.DriveStart && m.AttemptsLeft(s) <= 1
}

// exhausted reports whether the drive has had all its attempts.
func (m Message) exhausted(r Retry) bool { return m.AttemptsLeft(r.Schedule) <= 0 }

// retry schedules the next attempt, or gives up when there is none left or no
// time for it.
func (m Message) retry(r Retry, atLeast time.Duration, last events.MessageFailed) events.Event {
	if m.exhausted(r) {
		return m.deadLetter(ReasonExhausted, last)
	}
	due := r.Now
	if !r.Since.IsZero() {
		due = r.Since
	}
	if due = due.Add(r.Schedule.delay(m.round(), r.Chance, atLeast)); due.Before(r.Now) {
		due = r.Now
	}
	if m.expiredAt(due) {
		return events.MessageExpired{ExpiresAt: *m.Text.ExpiresAt}
	}
	return events.MessageRetried{Attempt: m.Attempt + 1, Delay: events.Duration(due.Sub(r.Now)), DueAt: due}
}

func (m Message) deadLetter(reason string, last events.MessageFailed) events.MessageDeadLettered {
	return events.MessageDeadLettered{
		Reason: reason, Attempts: m.Attempt,
		Class: last.Class, Code: last.Code, Detail: last.Detail,
	}
}

func (m Message) doubt(c RecordDoubt) []events.Event {
	if m.Status != Dispatching || c.Attempt != m.Attempt {
		return nil
	}
	return []events.Event{events.MessageInDoubt{Attempt: c.Attempt, Provider: m.Provider, Cause: c.Cause, ProviderRequestID: c.ProviderRequestID}}
}

func (m Message) reconcile(c Reconcile) []events.Event {
	if m.Status != InDoubt || c.Attempt != m.Attempt {
		return nil
	}
	reconciled := events.MessageReconciled{Attempt: c.Attempt}
	switch {
	case c.ProviderMessageID != "":
		reconciled.Outcome, reconciled.ProviderMessageID, reconciled.Evidence = OutcomeSent, c.ProviderMessageID, "lookup"
		return []events.Event{reconciled}
	case c.Resend:
		reconciled.Outcome, reconciled.Evidence = OutcomeNotSent, "no_trace"
		return []events.Event{reconciled, m.retry(c.Retry, m.wish, events.MessageFailed{Class: string(ClassInDoubt)})}
	}
	reconciled.Outcome, reconciled.Evidence = OutcomeUnknown, "no_trace"
	return []events.Event{reconciled, m.deadLetter(ReasonInDoubt, events.MessageFailed{Class: string(ClassInDoubt)})}
}
