package twilio

import (
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Inbound is a text to one of our numbers.
type Inbound struct {
	Text       events.InboundReceived
	OptOutType string // "STOP", "START" or "HELP" where Twilio has acted on it, else empty
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
		return in, nil
	}
	in.OptOutType = ""
	return in, nil
}
