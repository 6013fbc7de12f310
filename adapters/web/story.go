package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// step is an event of a text, told.
type step struct {
	Title string // what happened
	Text  string // what it means
	Tone  string
	Facts []Fact
	See   string // the message that this one replaces, or is replaced by
	Link  string // of what it follows from, with its name; empty: nothing to look at
	Name  string

	Position    int64
	Version     int
	At          time.Time
	Gap         time.Duration // since the step before
	Type, Actor string
	Reason      string
	Later       bool // than what is shown
	Current     bool
	Data, Meta  string
	Digest      string
	Proof       projections.Proof
}

// Pause is the gap in words; empty where it is not worth a line.
func (s step) Pause() string {
	if s.Version == 1 || s.Gap < time.Millisecond { // of one commit
		return ""
	}
	return span(s.Gap)
}

// Long reports whether somebody may ask what took so long.
func (s step) Long() bool { return s.Gap >= 5*time.Second }

// tell says what an event means, to somebody who has never seen one.
func tell(e events.Recorded) step {
	switch d := e.Data.(type) {
	case events.MessageAccepted:
		s := step{Title: "Accepted", Tone: "info", Text: "The text was checked, stored and promised to be sent.",
			Facts: facts("Lane", d.Lane, "Kind", d.Kind, "Encoding", d.Encoding, "Segments", fmt.Sprint(d.Segments))}
		if d.SendAt != nil {
			s.Text = "The text was stored, to be sent at " + moment(*d.SendAt) + "."
		}
		return s
	case events.MessageDeferred:
		return step{Title: "Deferred", Tone: "warn", Text: "Sending waits until " + moment(d.Until) + ": " + projections.Wait(d.Reason) + "."}
	case events.MessageAttempted:
		return step{Title: fmt.Sprintf("Attempt %d claimed", d.Attempt), Tone: "info",
			Text:  "A dispatcher took the right to send, before it called " + d.Provider + ". Nobody else can.",
			Facts: facts("Provider", d.Provider)}
	case events.MessageDispatched:
		return step{Title: "Taken on by " + d.Provider, Tone: "info", Text: "The provider has it. A receipt will say whether it arrived.",
			Facts: facts("Provider's id", d.ProviderMessageID, "Provider's status", d.ProviderStatus, "Request", d.ProviderRequestID)}
	case events.MessageFailed:
		return step{Title: fmt.Sprintf("Attempt %d failed", d.Attempt), Tone: "bad", Text: "It was certainly not sent: " + meaning(d.Class) + ".",
			Facts: facts("Class", words(d.Class), "Code", d.Code, "HTTP status", zero(d.HTTPStatus), "Detail", d.Detail, "Provider", d.Provider, "Request", d.ProviderRequestID)}
	case events.MessageRetried:
		return step{Title: "Another attempt is scheduled", Tone: "warn",
			Text: fmt.Sprintf("Attempt %d is due at %s, after %s.", d.Attempt, moment(d.DueAt), span(time.Duration(d.Delay)))}
	case events.MessageInDoubt:
		return step{Title: fmt.Sprintf("Attempt %d is in doubt", d.Attempt), Tone: "doubt",
			Text:  "Nobody knows whether it was sent (" + words(d.Cause) + "). It is looked up at the provider before anything is sent again.",
			Facts: facts("Cause", words(d.Cause), "Provider", d.Provider, "Request", d.ProviderRequestID)}
	case events.MessageReconciled:
		return reconciled(d)
	case events.MessageDeadLettered:
		return step{Title: "Given up", Tone: "bad", Text: "A dead letter: " + givenUp(d.Reason) + ". It waits for an operator.",
			Facts: facts("Reason", words(d.Reason), "Attempts", fmt.Sprint(d.Attempts), "Class", words(d.Class), "Code", d.Code, "Detail", d.Detail)}
	case events.MessageRedriven:
		return step{Title: "Sent again by an operator", Tone: "info", Text: "Reason: " + d.Reason, Facts: facts("By", d.By, "Replay", d.ReplayID)}
	case events.MessageDiscarded:
		if d.ReplacedBy != "" {
			return step{Title: "Replaced", Tone: "calm", Text: "An operator sent another text in its place. Reason: " + d.Reason, Facts: facts("By", d.By), See: d.ReplacedBy}
		}
		return step{Title: "Put aside", Tone: "calm", Text: "An operator decided that it stays unsent. Reason: " + d.Reason, Facts: facts("By", d.By)}
	case events.MessageOptedOut:
		return step{Title: "Suppressed", Tone: "calm", Text: "The recipient has opted out, so nothing is sent.", Facts: facts("Known from", d.Source)}
	case events.MessageDelivered:
		return step{Title: "Delivered", Tone: "good", Text: "The provider says that the handset has it.", Facts: facts("Provider's status", d.ProviderStatus, "Code", d.ErrorCode)}
	case events.MessageUndelivered:
		return step{Title: "Not delivered", Tone: "bad", Text: "The provider says that the handset will not get it.",
			Facts: facts("Provider's status", d.ProviderStatus, "Code", d.ErrorCode)}
	case events.MessageCanceled:
		return step{Title: "Canceled", Tone: "calm", Text: "It was called off before any attempt.", Facts: facts("By", d.By)}
	case events.MessageExpired:
		return step{Title: "Expired", Tone: "calm", Text: "Its time had passed at " + moment(d.ExpiresAt) + ", before it could be sent."}
	case events.MessageRedacted:
		return step{Title: "Erased at the provider", Tone: "calm", Text: d.Provider + " no longer keeps the " + d.What + ".", Facts: facts("Provider's id", d.ProviderMessageID)}
	case events.MessageRedactionFailed:
		return step{Title: "Not erased at the provider", Tone: "bad", Text: d.Provider + " keeps the " + d.What + " all the same: delete it there by hand.",
			Facts: facts("Provider's id", d.ProviderMessageID, "Code", d.Code)}
	case events.MessageReceiptIgnored:
		return step{Title: "A receipt that changes nothing", Tone: "calm", Text: ignored(d.Reason),
			Facts: facts("Provider's status", d.ProviderStatus, "Provider's id", d.ProviderMessageID, "Code", d.ErrorCode)}
	}
	return step{Title: words(strings.TrimPrefix(e.Type, "message.")), Tone: "calm", Text: "An event that this version does not know how to tell."}
}

// tellAnswer adds to s, the acceptance of a text, that it is our answer to one of its
// recipient's, where that is its cause.
func (s *step) tellAnswer(cause string) {
	stream, _, _ := strings.Cut(cause, ":")
	switch {
	case strings.HasPrefix(stream, "consent_"):
		s.Text = "It confirms to its recipient that they get no more texts: it is sent in spite of that opt-out, and of no other."
		s.Link, s.Name = "/events?stream="+stream, "The opt-out in the log"
	case strings.HasPrefix(stream, "inbound_"):
		s.Text = "It answers a text in which its recipient asked for help."
		s.Link, s.Name = "/events?stream="+stream, "That text in the log"
	}
}

func reconciled(d events.MessageReconciled) step {
	s := step{Title: "The doubt is resolved", Facts: facts("Outcome", words(d.Outcome), "Evidence", words(d.Evidence), "Provider's id", d.ProviderMessageID)}
	switch d.Outcome {
	case "sent":
		s.Tone, s.Text = "info", "The provider has it after all; nothing was sent twice."
		if d.Evidence == domain.EvidenceOperator {
			s.Text = "An operator found it at the provider; nothing is sent again."
		}
	case "not_sent":
		s.Tone, s.Text = "warn", "The provider shows no trace of it."
		if d.Evidence == domain.EvidenceOperator {
			s.Text = "An operator found out that it was not sent."
		}
	default:
		s.Title, s.Tone, s.Text = "The doubt remains", "doubt", "It could not be found out."
	}
	return s
}

// meaning explains the class of a failure.
func meaning(class string) string {
	if text, ok := map[string]string{
		"permanent":     "the provider will never accept it",
		"opted_out":     "the provider knows that the recipient has opted out",
		"throttled":     "the provider was too busy",
		"provider_wide": "the provider, or our account with it, does not work at all",
		"sender":        "this sender cannot send it",
		"unroutable":    "this provider cannot reach the number, another may",
		"in_doubt":      "nobody knows whether it was sent",
		"not_sent":      "it did not reach the provider, and another attempt may",
	}[class]; ok {
		return text
	}
	return words(class)
}

func givenUp(reason string) string {
	if text, ok := map[string]string{
		"exhausted": "all attempts failed",
		"permanent": "no further attempt could succeed",
		"in_doubt":  "whether it was sent is unknown, and sending again might double it",
		"poison":    "it could not be handled",
		"erased":    "its recipient was forgotten, or its body's time is over",
	}[reason]; ok {
		return text
	}
	return words(reason)
}

// ignored explains why a receipt changed nothing.
func ignored(reason string) string {
	if text, ok := map[string]string{
		"final":                  "The text had already come to its end; receipts never move it backwards.",
		"unknown_attempt":        "It names an attempt that was never made.",
		"duplicate_send":         "It speaks of a second send: the provider took the text on twice.",
		"other_provider_message": "It speaks of another message of the provider's.",
	}[reason]; ok {
		return text
	}
	return "It was ignored: " + words(reason) + "."
}

// facts pairs names and values and leaves out what is empty.
func facts(pairs ...string) []Fact {
	var all []Fact
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, Fact{pairs[i], pairs[i+1]})
		}
	}
	return all
}

func zero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
