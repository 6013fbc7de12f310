package domain

import (
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Message is the state of one text to one recipient, folded from its events.
// The zero value is a message that does not exist yet.
type Message struct {
	Status            Status
	Text              events.MessageAccepted
	Attempt           int       // the last one claimed; 0: none yet
	DriveStart        int       // attempts made before the present drive
	DueAt             time.Time // not claimed before; zero: at once
	Provider          string    // of the last attempt, or of the one that was proven to be sent
	ProviderMessageID string
	providers         []string        // of the attempts, the first one's first
	unroutable        []string        // providers that cannot reach the recipient, of the present drive
	wish              time.Duration   // the longest Retry-After that failing over passed by
	ignored           map[string]bool // receipts already recorded as ignored
	inDoubtHeld       bool            // dead-lettered although the last attempt may have been sent
	discarded         bool            // dead-lettered, and put aside
	replays           map[string]bool // that have redriven it
	duplicates        []string        // what the provider calls texts that were sent besides
	redactions        map[string]bool // that were tried to the end, by id and what: whether they were made
}

// Decide answers c with events. None, and no error, mean that c no longer
// matters, so a command that arrives twice does no harm.
func (m Message) Decide(c Command) ([]events.Event, error) {
	if _, ok := c.(Accept); !ok && m.Status == "" {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Accept:
		return m.accept(c)
	case Claim:
		return m.claim(c), nil
	case Defer:
		return m.postpone(c), nil
	case RecordSent:
		return m.sent(c), nil
	case RecordFailure:
		return m.fail(c), nil
	case RecordDoubt:
		return m.doubt(c), nil
	case Reconcile:
		return m.reconcile(c), nil
	case Receipt:
		return m.receive(c), nil
	case Cancel:
		return m.cancel(c)
	case Expire:
		return m.expire(c), nil
	case Redrive:
		return m.redrive(c)
	case Discard:
		return m.discard(c)
	case GiveUp:
		return m.giveUp(c), nil
	case Resolve:
		return m.resolve(c)
	case Replace:
		return m.replace(c)
	case Suspect:
		return m.suspect(c), nil
	case RecordRedaction:
		return m.redact(c), nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// Evolve returns m after e. It cannot refuse: e has happened.
func (m Message) Evolve(e events.Event) Message {
	switch e := e.(type) {
	case events.MessageAccepted:
		m.Text = e
		m.Status = Accepted
		if e.SendAt != nil {
			m.Status, m.DueAt = Scheduled, *e.SendAt
		}
	case events.MessageDeferred:
		m.Status, m.DueAt = Scheduled, e.Until
	case events.MessageAttempted:
		m.Status, m.Attempt, m.Provider, m.DueAt = Dispatching, e.Attempt, e.Provider, time.Time{}
		m.providers = append(slices.Clip(m.providers), e.Provider)
	case events.MessageDispatched:
		m.Status, m.ProviderMessageID = Dispatched, e.ProviderMessageID
	case events.MessageFailed:
		m = m.evolveFailed(e)
	case events.MessageRetried:
		m.Status, m.DueAt = Retrying, e.DueAt
		if e.Delay > 0 {
			m.wish = 0
		}
	case events.MessageInDoubt:
		m.Status = InDoubt
	case events.MessageReconciled:
		m = m.evolveReconciled(e)
	case events.MessageDeadLettered:
		m.Status, m.inDoubtHeld = DeadLettered, e.Reason == ReasonInDoubt || e.Class == string(ClassInDoubt)
		m.discarded = false
	case events.MessageRedriven:
		m = m.evolveRedriven(e)
	case events.MessageDiscarded:
		m.discarded = true
	case events.MessageOptedOut:
		m.Status = OptedOut
	case events.MessageDelivered:
		m.Status = Delivered
	case events.MessageUndelivered:
		m.Status = Undelivered
	case events.MessageCanceled:
		m.Status = Canceled
	case events.MessageExpired:
		m.Status = Expired
	case events.MessageReceiptIgnored:
		m = m.evolveIgnored(e)
	case events.MessageRedacted:
		m = m.evolveRedaction(e.ProviderMessageID, e.What, true)
	case events.MessageRedactionFailed:
		m = m.evolveRedaction(e.ProviderMessageID, e.What, false)
	}
	return m
}

// evolveReconciled leaves the status to the event that follows, unless the text
// turned out to be sent.
func (m Message) evolveReconciled(e events.MessageReconciled) Message {
	if e.Outcome == OutcomeSent {
		m.Status, m.ProviderMessageID, m.DueAt = Dispatched, e.ProviderMessageID, time.Time{}
		m.inDoubtHeld, m.discarded = false, false
		m.Provider = m.MadeBy(e.Attempt)
	}
	return m
}

// Waiting reports whether m waits for a claim.
func (m Message) Waiting() bool {
	return m.Status == Accepted || m.Status == Scheduled || m.Status == Retrying
}

// Final reports whether nothing more is expected of m. A dead letter is final
// unless an operator redrives it or its doubt is resolved by a late receipt.
func (m Message) Final() bool {
	switch m.Status {
	case Delivered, Undelivered, DeadLettered, OptedOut, Canceled, Expired:
		return true
	}
	return false
}

func (m Message) accept(c Accept) ([]events.Event, error) {
	if m.Status != "" {
		return nil, ErrExists
	}
	return []events.Event{c.Text}, nil
}

func (m Message) cancel(c Cancel) ([]events.Event, error) {
	switch {
	case m.Status == Canceled:
		return nil, nil
	case m.Attempt > 0:
		return nil, ErrClaimed
	case !m.Waiting():
		return nil, ErrFinal
	}
	return []events.Event{events.MessageCanceled{By: c.By}}, nil
}

func (m Message) expire(c Expire) []events.Event {
	if !m.Waiting() || !m.expiredAt(c.Now) {
		return nil
	}
	return []events.Event{events.MessageExpired{ExpiresAt: *m.Text.ExpiresAt}}
}

func (m Message) expiredAt(now time.Time) bool {
	return m.Text.ExpiresAt != nil && !now.Before(*m.Text.ExpiresAt)
}
