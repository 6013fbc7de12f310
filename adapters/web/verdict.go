package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

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

// judge sums a text up, as it is at the time now. put is why it was put off last, if
// that was the last that happened to it; shut are the providers that it waits for, if
// the breaker of each keeps texts back.
func judge(m projections.Message, put *events.MessageDeferred, dead projections.DeadLetter, meaning meanings, shut []string, now time.Time) verdict {
	provider := m.Provider
	if provider == "" {
		provider = "the provider"
	}
	v := verdict{Tone: tone(m.Status)}
	switch domain.Status(m.Status) {
	case domain.Scheduled:
		v = scheduled(v, m, put, meaning, now)
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
		if len(shut) > 0 {
			v.Next = provider + " is to be asked for it before anything is sent again, and does not work just now. Resolve it by hand only if you know what became of it."
			v.Link, v.Name = "/providers", "What is wrong with it"
		}
	case domain.Undelivered:
		v.Says = "It was sent, and did not arrive" + because(m, meaning) + "."
		v.Next = "It is not sent again by itself. If it still matters, have the application send a new one."
	case domain.DeadLettered:
		return given(v, m, dead, meaning, provider)
	case domain.OptedOut:
		v.Says, v.Next = "It was not sent: its recipient wants no texts.", "Only they can change that."
		v.Link, v.Name = "/consent?number="+url.QueryEscape(m.To), "Who said so, and when"
	case domain.Expired:
		v = expired(v, m, meaning)
	case domain.Canceled:
		v.Says = "It was not sent: it was called off."
	}
	waits := slices.Contains([]domain.Status{domain.Scheduled, domain.Accepted, domain.Retrying}, domain.Status(m.Status))
	late := waits && m.ExpiresAt != nil && !m.ExpiresAt.After(now)
	if late { // it is noted when its turn comes
		v.Says, v.Next = "It will not be sent: its time was over at "+moment(*m.ExpiresAt)+".", ""
	}
	if waits && len(shut) > 0 && v.Link == "" && (late || m.DueAt == nil || !m.DueAt.After(now) || put != nil && put.Reason == domain.DeferredForBreaker) {
		v.Next = "Just now " + strings.Join(shut, " and ") + " gets no texts, and nobody else may take this one."
		if !late {
			v.Next += " It goes on by itself when that ends."
		}
		v.Link, v.Name = "/providers", "Why it gets none"
	}
	return v
}

// scheduled is the verdict on a text whose time is yet to come, or has just come.
func scheduled(v verdict, m projections.Message, put *events.MessageDeferred, meaning meanings, now time.Time) verdict {
	if m.DueAt == nil {
		return v
	}
	until := moment(*m.DueAt)
	switch {
	case !m.DueAt.After(now):
		v.Says = "Not sent yet: it waits for its turn, and is due since " + until + "."
	case put == nil:
		v.Says = "Not sent yet: whoever sent it wants it to go at " + until + "."
	default:
		v.Says = "Not sent yet: it waits until " + until + ", as " + projections.Wait(put.Reason) + "."
		if put.Reason == domain.DeferredForPrefix {
			v.Next = "They look as if somebody had them sent for their price. It goes when that pause is over, or lifted."
			v.Link, v.Name = "/providers#pumping", "The pause"
		} else if len(m.Attempts) > 0 {
			v.Next = fmt.Sprintf("Attempt %d did not succeed%s.", len(m.Attempts), because(m, meaning))
		}
	}
	return v
}

// expired is the verdict on a text that was not sent in its time.
func expired(v verdict, m projections.Message, meaning meanings) verdict {
	v.Says = "It was not sent: its time was over before it could be."
	if m.ExpiresAt != nil {
		v.Says = "It was not sent: its time was over at " + moment(*m.ExpiresAt) + ", " + span(m.ExpiresAt.Sub(m.CreatedAt)) + " after it was accepted."
	}
	if n := len(m.Attempts); n > 0 {
		v.Next = fmt.Sprintf("Until then attempt %d did not succeed%s.", n, because(m, meaning))
		return v
	}
	v.Next = "Until then it had no turn: it was to go later, or the providers that may take it were not called."
	v.Link, v.Name = "/providers", "What became of the providers"
	return v
}

// given is the verdict on a text that was given up.
func given(v verdict, m projections.Message, dead projections.DeadLetter, meaning meanings, provider string) verdict {
	doubtful := doubtfulDead(dead)
	switch {
	case doubtful:
		v.Tone = tone("in_doubt")
		v.Says = "Nobody knows whether it was sent: " + provider + " gave no clear answer, and no look-up could settle it."
		v.Next = "Look for it in the records of " + provider + ". If they have it, resolve it with their id. If they do not, send it again."
	case dead.Code == domain.CodeNoWindow:
		v.Says = "It was not sent: it is marketing, and within a week there was no hour in which it might be" + because(m, meaning) + "."
		v.Next = "If its recipient's zone is known, have the application send a new one that names it as its time_zone."
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
