package domain

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Refusals of what only a dead letter can be asked.
var (
	ErrNotDeadLettered = errors.New("not a dead letter")
	ErrDiscarded       = errors.New("already discarded")
	ErrInDoubt         = errors.New("may have been sent")
)

// Redrive sends a dead letter again. A replay redrives a message once, however
// often it asks.
type Redrive struct {
	By, Reason, ReplayID string
	IncludeInDoubt       bool // also where it may have been sent: then it may arrive twice
}

// Discard says that a dead letter needs no further attention.
type Discard struct{ By, Reason string }

// GiveUp ends a message that cannot be claimed, whoever tries.
type GiveUp struct {
	Attempt int // the one that would have been next
	Detail  string
}

// Redriven reports whether the replay has redriven m.
func (m Message) Redriven(replayID string) bool { return m.replays[replayID] }

// Discarded reports whether m is a dead letter that an operator has put aside.
func (m Message) Discarded() bool { return m.Status == DeadLettered && m.discarded }

// InDoubtHeld reports whether m is a dead letter of which nobody knows whether it was sent.
func (m Message) InDoubtHeld() bool { return m.Status == DeadLettered && m.inDoubtHeld }

func (m Message) redrive(c Redrive) ([]events.Event, error) {
	switch {
	case m.replays[c.ReplayID]:
		return nil, nil
	case m.Status != DeadLettered:
		return nil, fmt.Errorf("redriving a message that is %s: %w", m.Status, ErrNotDeadLettered)
	case m.discarded:
		return nil, ErrDiscarded
	case m.inDoubtHeld && !c.IncludeInDoubt:
		return nil, ErrInDoubt
	}
	return []events.Event{events.MessageRedriven{By: c.By, Reason: c.Reason, ReplayID: c.ReplayID, InDoubt: m.inDoubtHeld}}, nil
}

func (m Message) evolveRedriven(e events.MessageRedriven) Message {
	m.Status, m.DriveStart, m.DueAt, m.inDoubtHeld = Accepted, m.Attempt, time.Time{}, false
	m.unroutable, m.wish = nil, 0
	if e.ReplayID != "" {
		m.replays = maps.Clone(m.replays)
		if m.replays == nil {
			m.replays = map[string]bool{}
		}
		m.replays[e.ReplayID] = true
	}
	return m
}

func (m Message) discard(c Discard) ([]events.Event, error) {
	switch {
	case m.Status != DeadLettered:
		return nil, fmt.Errorf("discarding a message that is %s: %w", m.Status, ErrNotDeadLettered)
	case m.discarded:
		return nil, nil
	}
	return []events.Event{events.MessageDiscarded{By: c.By, Reason: c.Reason}}, nil
}

func (m Message) giveUp(c GiveUp) []events.Event {
	if !m.Waiting() || c.Attempt != m.Attempt+1 {
		return nil
	}
	return []events.Event{m.deadLetter(ReasonPoison, events.MessageFailed{Detail: c.Detail})}
}

// Prospect is what redriving a message would come to.
type Prospect string

// The prospects. All but WouldSend are also why an item of a replay is skipped.
const (
	WouldSend        Prospect = "send"
	NotDeadLettered  Prospect = "not_dead_lettered"
	Unreadable       Prospect = "unreadable" // nobody knows what has become of it
	WasDiscarded     Prospect = "discarded"
	MayHaveBeenSent  Prospect = "in_doubt"
	WouldBeOptedOut  Prospect = "opted_out" // suppressed when it is claimed
	WouldHaveExpired Prospect = "expired"   // ended when it is claimed
)

// Prospect foresees what c and the claim after it would come to at now.
func (m Message) Prospect(c Redrive, optedOut bool, now time.Time) Prospect {
	if why := m.Refusal(c); why != "" {
		return why
	}
	switch {
	case optedOut:
		return WouldBeOptedOut
	case m.expiredAt(now):
		return WouldHaveExpired
	}
	return WouldSend
}

// Refusal says why c redrives nothing; empty when it does.
func (m Message) Refusal(c Redrive) Prospect {
	decided, err := m.redrive(c)
	switch {
	case errors.Is(err, ErrDiscarded):
		return WasDiscarded
	case errors.Is(err, ErrInDoubt):
		return MayHaveBeenSent
	case len(decided) == 0:
		return NotDeadLettered
	}
	return ""
}
