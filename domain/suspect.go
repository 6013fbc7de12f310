package domain

import (
	"time"

	"github.com/pro-sms/prosms/events"
)

// CauseRestored is why a message is in doubt whose log was set back to a backup: it
// may have been sent at any time since it was accepted.
const CauseRestored = "restored"

// Suspect says that the log was set back: what became of the message since is unknown.
type Suspect struct {
	ID       string // of the attempt that may have been made
	Provider string // who would have made it
	Now      time.Time
}

// suspect puts m in doubt if it can have been sent without the log knowing. What
// was not due by now cannot.
func (m Message) suspect(c Suspect) []events.Event {
	switch {
	case m.Status == Dispatching, m.Status == InDoubt:
		return []events.Event{events.MessageInDoubt{Attempt: m.Attempt, Provider: m.Provider, Cause: CauseRestored}}
	case !m.Waiting() || c.Now.Before(m.DueAt):
		return nil
	}
	attempt := m.Attempt + 1
	return []events.Event{
		events.MessageAttempted{Attempt: attempt, AttemptID: c.ID, Provider: c.Provider},
		events.MessageInDoubt{Attempt: attempt, Provider: c.Provider, Cause: CauseRestored},
	}
}
