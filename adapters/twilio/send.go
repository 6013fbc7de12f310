package twilio

import (
	"context"
	"net/url"
	"strconv"
	"time"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/ports"
)

// Bounds of ValidityPeriod in seconds: Messages resource, 2010-04-01.
const (
	minValidity = 1
	maxValidity = 36_000
)

// callbackOptions asks Twilio to repeat a status callback five times, whatever
// went wrong; by default it repeats once, and only if it could not connect.
const callbackOptions = "#rc=5&rp=all"

// Send implements ports.Provider with one create of a message. It waits for a free
// connection within the timeout too.
func (p *Provider) Send(ctx context.Context, text ports.Text) ports.Outcome {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	c := &call{provider: p, ctx: ctx}
	message, err := c.api().CreateMessage(p.params(text, p.config.Now()))
	return p.outcome(c, message, err)
}

// params says what is asked of Twilio. The callback URL is the only name of ours
// that Twilio gives back, so it is another one for each attempt.
func (p *Provider) params(text ports.Text, now time.Time) *openapi.CreateMessageParams {
	params := new(openapi.CreateMessageParams).SetTo(string(text.To)).SetBody(string(text.Body))
	switch {
	case text.From != "":
		params.SetFrom(string(text.From))
	case p.config.MessagingServiceSID != "":
		params.SetMessagingServiceSid(p.config.MessagingServiceSID)
	case p.config.From != "":
		params.SetFrom(p.config.From)
	}
	if p.config.PublicURL != "" {
		params.SetStatusCallback(p.config.PublicURL + "/webhooks/twilio/status?m=" + url.QueryEscape(text.MessageID) +
			"&a=" + strconv.Itoa(text.Attempt) + callbackOptions)
	}
	if text.ExpiresAt != nil {
		left := int(text.ExpiresAt.Sub(now) / time.Second)
		params.SetValidityPeriod(min(max(left, minValidity), maxValidity))
	}
	return params
}
