package projections

import (
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// DeadLetter is a row of the dead_letters view: a message that is, or was, given up.
// It is in the list while Listed; afterwards it is found by its id.
type DeadLetter struct {
	Message        Message    `json:"message"`
	Reason         string     `json:"reason"`
	Class          string     `json:"class,omitempty"`
	Code           string     `json:"code,omitempty"`
	Detail         string     `json:"detail,omitempty"`
	Attempts       int        `json:"attempts"`
	Group          string     `json:"group"`                     // the same for errors that are alike
	FirstFailedAt  *time.Time `json:"first_failed_at,omitempty"` // nil: no attempt failed
	DeadLetteredAt *time.Time `json:"dead_lettered_at"`          // the last time; nil: never
	Replays        int        `json:"replays"`                   // how often it was redriven
	Discarded      *Discarded `json:"discarded,omitempty"`
}

// Discarded says who put a dead letter aside.
type Discarded struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// deadLettersView is the table behind the list of dead letters. dead_lettered_at is
// null in rows that have left the list.
var deadLettersView = ports.View{
	Name:    "dead_letters",
	Columns: []string{"tenant", "reason", "class", "code", "error_group", "provider", "lane", "created_at", "dead_lettered_at"},
}

// DeadLetters is the projection of dead letters. Few messages ever become one, so
// a row begins with the first message.dead_lettered.
func DeadLetters() Projection {
	p := project("dead_letters", deadLettersView,
		func(e events.Recorded) string {
			if strings.HasPrefix(e.Type, "message.") {
				return e.StreamID
			}
			return ""
		},
		func(d DeadLetter) []any {
			m := d.Message
			return []any{m.Tenant, d.Reason, orNull(d.Class), orNull(d.Code), d.Group, orNull(m.Provider), m.Lane, m.CreatedAt, d.listedAt()}
		})
	p.begins = func(e events.Recorded) bool { return e.Type == "message.dead_lettered" }
	return p
}

// Listed reports whether d waits for an operator.
func (d DeadLetter) Listed() bool { return d.Message.Status == "dead_lettered" && d.Discarded == nil }

func (d DeadLetter) listedAt() any {
	if !d.Listed() || d.DeadLetteredAt == nil {
		return nil
	}
	return *d.DeadLetteredAt
}

// Apply returns the dead letter after e.
func (d DeadLetter) Apply(e events.Recorded) DeadLetter {
	d.Message = d.Message.Apply(e)
	at := e.RecordedAt
	switch data := e.Data.(type) {
	case events.MessageFailed, events.MessageInDoubt:
		if d.FirstFailedAt == nil {
			d.FirstFailedAt = &at
		}
	case events.MessageDeadLettered:
		d.Reason, d.Class, d.Code, d.Detail, d.Attempts = data.Reason, data.Class, data.Code, data.Detail, data.Attempts
		d.Group, d.DeadLetteredAt, d.Discarded = errorGroup(data), &at, nil
	case events.MessageRedriven:
		d.Replays++
	case events.MessageDiscarded:
		d.Discarded = &Discarded{By: data.By, Reason: data.Reason, At: at}
	}
	return d
}
