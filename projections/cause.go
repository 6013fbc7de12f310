package projections

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pro-sms/prosms/events"
)

// cause says who brought e about, an event of the stream recorded, and what it
// follows from.
func cause(e events.Recorded, recorded []events.Recorded) string {
	text := "by " + actor(e.Meta.Actor)
	if e.Meta.Actor == "" {
		text = "by nobody who was named"
	}
	if from := follows(e, recorded); from != "" {
		text += ", " + from
	}
	if e.Meta.Reason != "" {
		text += fmt.Sprintf(", for the reason %q", e.Meta.Reason)
	}
	return text
}

// actor says in words who acts under a name of the log.
func actor(name string) string {
	switch kind, who, _ := strings.Cut(name, ":"); {
	case kind == "key" && who != "":
		return "API key " + who
	case name == "operator:cli":
		return "an operator on the command line"
	case kind == "operator" && who != "":
		return "operator " + who
	case kind == "provider" && who != "":
		return "the word of provider " + who
	case name == "reconciler":
		return "a look-up at the provider"
	case name == "sweeper":
		return "asking the provider for its receipt"
	case name == "scheduler":
		return "the scheduler, which missed an answer"
	}
	return "the " + name
}

// person says who decided something: names of operators stand in events as they are.
func person(by string) string {
	if strings.Contains(by, ":") {
		return actor(by)
	}
	return by
}

// noun is what an event of a message is called where another follows from it.
func noun(eventType string) string {
	switch eventType {
	case "message.accepted":
		return "acceptance"
	case "message.attempted":
		return "claim"
	case "message.deferred", "message.retried":
		return "plan"
	case "message.dispatched":
		return "handover"
	case "message.in_doubt":
		return "doubt"
	case "message.dead_lettered":
		return "dead letter"
	case "message.reconciled":
		return "finding"
	case "message.redriven":
		return "new start"
	case "message.delivered", "message.undelivered", "message.receipt_ignored":
		return "receipt"
	case "message.redacted", "message.redaction_failed":
		return "redaction"
	}
	return eventType
}

// follows names the event, the stream or the request that e follows from.
func follows(e events.Recorded, recorded []events.Recorded) string {
	stream, version, ok := strings.Cut(e.Meta.CausationID, ":")
	switch {
	case ok && stream == e.StreamID:
		n, err := strconv.Atoi(version)
		if err != nil || n < 1 || n > len(recorded) {
			return "following version " + version
		}
		return fmt.Sprintf("following the %s at position %d", noun(recorded[n-1].Type), recorded[n-1].Position)
	case ok && strings.HasPrefix(stream, "msg_"):
		return "in the place of " + stream
	case ok && strings.HasPrefix(stream, "replay_"):
		return "for " + stream
	case ok && e.Version == 1 && strings.HasPrefix(stream, "consent_"):
		return fmt.Sprintf("to confirm the opt-out that is version %s of %s, which does not block it", version, stream)
	case ok && e.Version == 1 && strings.HasPrefix(stream, "inbound_"):
		return "to answer the recipient's text " + stream
	case ok:
		return fmt.Sprintf("following version %s of %s", version, stream)
	case e.Meta.CorrelationID != "" && e.Version == 1:
		return "at request " + e.Meta.CorrelationID
	}
	return ""
}
