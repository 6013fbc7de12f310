package twilio

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/events"
)

// Inbound is a text to one of our numbers.
type Inbound struct {
	Text       events.InboundReceived
	OptOutType string // "STOP", "START" or "HELP" where Twilio has acted on it, else empty
	// Answered: Twilio answers it, so that an answer of ours would be a second one; after
	// STOP, Twilio refuses it (21610). Standalone short codes are not told apart, to
	// which Twilio answers nothing.
	Answered bool
}

// answered are the words that Twilio answers by itself when they are the whole text, in
// any case (its default opt-out handling).
var answered = []string{
	"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "START", "YES", "UNSTOP", "HELP", "INFO",
}

// ParseInbound reads the body of an inbound webhook, whose signature must have been
// verified. From may be a short code or alphanumeric, the text may be empty.
// Errors quote nothing.
func ParseInbound(rawBody []byte) (Inbound, error) {
	form, err := parseWebhook(rawBody)
	if err != nil {
		return Inbound{}, fmt.Errorf("parsing inbound text: %w", err)
	}
	in := Inbound{
		Text: events.InboundReceived{
			From: events.Personal(form.Get("From")), To: events.Personal(form.Get("To")),
			Body: events.Personal(form.Get("Body")), ProviderMessageID: form.Get("MessageSid"),
		},
		OptOutType: form.Get("OptOutType"),
	}
	switch {
	case !messageSID.MatchString(in.Text.ProviderMessageID):
		return Inbound{}, errors.New("parsing inbound text: no message SID")
	case in.Text.From == "" || in.Text.To == "":
		return Inbound{}, errors.New("parsing inbound text: no sender or recipient")
	}
	switch in.OptOutType {
	case "", "STOP", "START", "HELP":
	default:
		in.OptOutType = ""
	}
	in.Answered = in.OptOutType != "" || slices.Contains(answered, strings.ToUpper(strings.TrimSpace(string(in.Text.Body))))
	return in, nil
}
