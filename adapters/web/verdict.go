package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// verdict is why a text has not arrived, and what to do about it. It is empty for
// one that has, or is on its way.
type verdict struct {
	Tone string
	Says string
	Next string
	Link string // of what to look at; empty: nothing more
	Name string // of the link
}

// meanings says what a provider's code means; empty where that is not known.
type meanings func(provider, code string) string

// judge sums a text up, as it is now. shut are those of all
// providers whose breakers are open, and deferred is what it is put off for.
func judge(m projections.Message, dead projections.DeadLetter, deferred string, meaning meanings, shut []string, all int) verdict {
	provider := m.Provider
	if provider == "" {
		provider = "the provider"
	}
	v := verdict{Tone: tone(m.Status)}
	switch domain.Status(m.Status) {
	case domain.Scheduled:
		if m.DueAt != nil {
			v.Says = "Not sent yet: it waits until " + moment(*m.DueAt) + "."
		}
		if m.DueAt != nil && deferred != "" {
			v.Says = "Not sent yet: it waits until " + moment(*m.DueAt) + ", as " + projections.Wait(deferred) + "."
		}
		if deferred == domain.DeferredForPrefix {
			v.Next = "They look as if somebody had them sent for their price. It goes when that pause is over, or lifted."
			v.Link, v.Name = "/providers#pumping", "The pause"
		}
	case domain.Accepted:
		v.Says = "Not sent yet: it waits for its turn."
	case domain.Retrying:
		v.Says = fmt.Sprintf("Not sent yet: attempt %d did not succeed%s.", len(m.Attempts), because(m, meaning))
		if m.DueAt != nil {
			v.Next = "Another one is made by itself from " + moment(*m.DueAt) + " on."
		}
	case domain.InDoubt:
		v.Says = fmt.Sprintf("Nobody knows yet whether it was sent: attempt %d got no clear answer%s.", len(m.Attempts), because(m, meaning))
		v.Next = provider + " is asked for it by itself, and nothing is sent again before that. Resolve it by hand only if you know what became of it."
	case domain.Undelivered:
		v.Says = "It was sent, and did not arrive" + because(m, meaning) + "."
		v.Next = "It is not sent again by itself. If it still matters, have the application send a new one."
	case domain.DeadLettered:
		return given(v, m, dead, meaning, provider)
	case domain.OptedOut:
		v.Says, v.Next = "It was not sent: its recipient wants no texts.", "Only they can change that."
		v.Link, v.Name = "/consent?number="+url.QueryEscape(m.To), "Who said so, and when"
	case domain.Expired:
		v.Says = "It was not sent: its time had passed before it could be."
	case domain.Canceled:
		v.Says = "It was not sent: it was called off."
	}
	waits := slices.Contains([]domain.Status{domain.Scheduled, domain.Accepted, domain.Retrying}, domain.Status(m.Status))
	if waits && len(shut) > 0 && len(shut) == all {
		v.Next = "Just now no provider is called: " + strings.Join(shut, ", ") + "."
		v.Link, v.Name = "/providers", "Why not"
	}
	return v
}

// deferred is the reason for which a text is put off; empty where it is not.
func deferred(recorded []events.Recorded) string {
	d, _ := recorded[len(recorded)-1].Data.(events.MessageDeferred)
	return d.Reason
}

// given is the verdict on a text that was given up.
func given(v verdict, m projections.Message, dead projections.DeadLetter, meaning meanings, provider string) verdict {
	doubtful := doubtfulDead(dead)
	switch {
	case doubtful:
		v.Tone = tone("in_doubt")
		v.Says = "Nobody knows whether it was sent: " + provider + " gave no clear answer, and no look-up could settle it."
		v.Next = "Look for it in the records of " + provider + ". If they have it, resolve it with their id. If they do not, send it again."
	case dead.Reason == domain.ReasonPermanent:
		v.Says = "It was not sent: " + provider + " refused it" + because(m, meaning) + "."
		if v.Next = "Sent again, it is refused again, unless the cause is mended. If number or text are wrong, replace it."; dead.Class != string(domain.ClassPermanent) {
			v.Next = "Mend what " + provider + " complains of first, then send it again."
		}
	case dead.Reason == domain.ReasonExhausted:
		v.Says = fmt.Sprintf("It was not sent: all attempts failed, %d of them%s.", dead.Attempts, because(m, meaning))
		v.Next = "Send it again when the cause is gone."
	default:
		v.Says = "It was not sent: " + givenUp(dead.Reason) + "."
	}
	if dead.Discarded != nil {
		v.Next = "It was put aside, and stays as it is."
	}
	return v
}

// doubtfulDead reports whether a dead letter may have been sent.
func doubtfulDead(dead projections.DeadLetter) bool {
	return dead.Reason == domain.ReasonInDoubt || dead.Class == string(domain.ClassInDoubt)
}

// because is the last error of a text as the end of a sentence; empty where there
// is nothing to tell.
func because(m projections.Message, meaning meanings) string {
	if m.LastError == nil {
		return ""
	}
	detail := words(m.LastError.Detail)
	if detail == "" && m.LastError.Code != "" {
		detail = meaning(m.Provider, m.LastError.Code)
	}
	switch {
	case detail == "" && m.LastError.Code == "":
		return ""
	case m.LastError.Code == "":
		return " (" + detail + ")"
	case detail == "":
		return " (code " + m.LastError.Code + ")"
	}
	return ": " + detail + " (" + m.LastError.Code + ")"
}
