package projections

import (
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Sentence is one event of a text's story, in plain words without personal data.
type Sentence struct {
	At    time.Time
	Text  string
	Cause string // who brought it about, and what it follows from
}

// Story tells what happened to a message. Events that it has no words for are
// named by their type.
func Story(recorded []events.Recorded) []Sentence {
	story := make([]Sentence, len(recorded))
	for i, e := range recorded {
		story[i] = Sentence{At: e.RecordedAt, Text: tell(e), Cause: cause(e, recorded)}
	}
	return story
}

func tell(e events.Recorded) string {
	switch d := e.Data.(type) {
	case events.Unreadable:
		return fmt.Sprintf("%s: %v", e.Type, d.Err)
	case events.MessageAccepted:
		return tellAccepted(e, d)
	case events.MessageDeferred:
		return fmt.Sprintf("put off until %s: %s", clock(d.Until), Wait(d.Reason))
	case events.MessageAttempted:
		return fmt.Sprintf("attempt %d claimed, to be sent by %s", d.Attempt, d.Provider)
	case events.MessageDispatched:
		return fmt.Sprintf("%s accepted attempt %d as %s%s", d.Provider, d.Attempt, d.ProviderMessageID, request(d.ProviderRequestID))
	case events.MessageFailed:
		return fmt.Sprintf("attempt %d was not sent: %s%s%s", d.Attempt, d.Class, details(d.Code, d.Detail), request(d.ProviderRequestID))
	case events.MessageRetried:
		return fmt.Sprintf("attempt %d is planned for %s", d.Attempt, clock(d.DueAt))
	case events.MessageInDoubt:
		return fmt.Sprintf("nobody knows whether attempt %d was sent: %s%s", d.Attempt, d.Cause, request(d.ProviderRequestID))
	case events.MessageReconciled:
		return tellReconciled(d)
	case events.MessageDeadLettered:
		return fmt.Sprintf("given up after %s: %s%s", Several(d.Attempts, "attempt"), strings.ReplaceAll(d.Reason, "_", " "), details(d.Code, d.Detail))
	case events.MessageRedriven:
		return tellRedriven(d)
	case events.MessageDiscarded:
		if d.ReplacedBy != "" {
			return fmt.Sprintf("put aside by %s, %s is sent in its place: %s", person(d.By), d.ReplacedBy, d.Reason)
		}
		return fmt.Sprintf("put aside by %s: %s", person(d.By), d.Reason)
	case events.MessageOptedOut:
		return "suppressed, the recipient has opted out (known from the " + d.Source + ")"
	case events.MessageDelivered:
		return "delivered, says the provider" + details(d.ErrorCode, "")
	case events.MessageUndelivered:
		return "not delivered, says the provider" + details(d.ErrorCode, "")
	case events.MessageCanceled:
		return "canceled by " + person(d.By)
	case events.MessageExpired:
		return "expired, its time was " + clock(d.ExpiresAt)
	case events.MessageRedacted:
		return fmt.Sprintf("%s no longer keeps the %s", d.Provider, d.What)
	case events.MessageRedactionFailed:
		return fmt.Sprintf("%s keeps the %s all the same%s", d.Provider, d.What, details(d.Code, ""))
	case events.MessageReceiptIgnored:
		return fmt.Sprintf("a receipt (%s) changed nothing: %s", d.ProviderStatus, d.Reason)
	}
	return e.Type
}

func tellAccepted(e events.Recorded, d events.MessageAccepted) string {
	text := fmt.Sprintf("accepted: %s in %s, lane %s", Several(d.Segments, "segment"), d.Encoding, d.Lane)
	if d.SendAt != nil {
		text += ", to be sent at " + clock(*d.SendAt)
	}
	if d.ExpiresAt != nil {
		text += ", worthless after " + clock(*d.ExpiresAt)
	}
	if d.Test {
		text += ", a test"
	}
	return text
}

func tellReconciled(d events.MessageReconciled) string {
	if d.Evidence == "operator" {
		return fmt.Sprintf("somebody has found out about attempt %d: %s", d.Attempt, strings.ReplaceAll(d.Outcome, "_", " "))
	}
	if d.Outcome == "sent" {
		return fmt.Sprintf("attempt %d turned out to be sent, as %s (%s)", d.Attempt, d.ProviderMessageID, d.Evidence)
	}
	return fmt.Sprintf("the provider shows no trace of attempt %d: taken as %s", d.Attempt, strings.ReplaceAll(d.Outcome, "_", " "))
}

func tellRedriven(d events.MessageRedriven) string {
	text := fmt.Sprintf("sent on its way again by %s: %s", person(d.By), d.Reason)
	if d.InDoubt {
		text += ", although it may have been sent"
	}
	return text
}

// Wait says what a text that is put off waits for, by the reason of its
// events.MessageDeferred.
func Wait(reason string) string {
	switch reason {
	case "quiet_hours":
		return "the recipient may not be texted at this hour"
	case "breaker":
		return "the breaker of its provider is open"
	case "pacing":
		return "its provider or sender has its pace"
	case "prefix_paused":
		return "texts to numbers that begin like the recipient's are paused"
	}
	return reason
}

func details(code, detail string) string {
	switch {
	case code != "" && detail != "":
		return ", " + code + ", " + detail
	case code+detail != "":
		return ", " + code + detail
	}
	return ""
}

// request names a call as the provider does.
func request(id string) string {
	if id == "" {
		return ""
	}
	return " (request " + id + ")"
}

// Several counts things: "1 segment", "2 segments".
func Several(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
