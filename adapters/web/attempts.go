package web

import (
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// attempt is a try at sending with what was asked and what was answered.
type attempt struct {
	projections.Attempt
	Request string        // made anew, without anything personal or secret; empty: not known
	Answer  []Fact        // what the log keeps of it
	Took    time.Duration // from the claim to the outcome; 0: it is not there yet
}

// attempts returns those of m, as of the events given.
func (u *ui) attempts(v visit, m projections.Message, recorded []events.Recorded) []attempt {
	all := make([]attempt, len(m.Attempts))
	for i, a := range m.Attempts {
		all[i].Attempt = a
		if u.Request != nil {
			all[i].Request = u.Request(a.Provider, ports.Text{
				MessageID: m.ID, Attempt: a.Attempt, To: events.Personal(number(shown{visit{}, m.To})), Body: events.Personal(body(shown{visit{}, m.Body})),
				From: events.Personal(number(shown{v, m.From})), ExpiresAt: m.ExpiresAt,
			}, a.StartedAt)
		}
	}
	for _, e := range recorded {
		number, answer := answered(e)
		if number < 1 || number > len(all) || all[number-1].Answer != nil {
			continue // what comes after the answer, a receipt or an operator, is in the story
		}
		a := &all[number-1]
		a.Answer, a.Took = answer, e.RecordedAt.Sub(a.StartedAt)
	}
	return all
}

// answered returns what an event keeps of a provider's answer, and to which attempt;
// 0 for other events.
func answered(e events.Recorded) (attempt int, answer []Fact) {
	switch d := e.Data.(type) {
	case events.MessageDispatched:
		return d.Attempt, facts("Answer", "taken on", "Id", d.ProviderMessageID, "Status", d.ProviderStatus, "Request", d.ProviderRequestID)
	case events.MessageFailed:
		status := "none"
		if d.HTTPStatus > 0 {
			status = fmt.Sprintf("HTTP %d", d.HTTPStatus)
		}
		return d.Attempt, facts("Answer", status, "Code", d.Code, "Class", words(d.Class), "Detail", d.Detail, "Request", d.ProviderRequestID)
	case events.MessageInDoubt:
		return d.Attempt, facts("Answer", "unclear", "Cause", words(d.Cause), "Request", d.ProviderRequestID)
	}
	return 0, nil
}
