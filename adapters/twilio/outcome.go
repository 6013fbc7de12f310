package twilio

import (
	"net/http"
	"regexp"
	"strconv"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// messageSID is Twilio's name for a message (messages-oas.json).
var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// requestID is what Twilio's name for a call may look like: it stays in the log.
var requestID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// outcome says what a create came to, and what Twilio calls the call.
func (p *Provider) outcome(c *call, message *openapi.ApiV2010Message, err error) ports.Outcome {
	o := p.judge(c, message, err)
	if id := c.header.Get("Twilio-Request-Id"); requestID.MatchString(id) {
		o.ProviderRequestID = id
	}
	return o
}

// judge says what a create came to: by HTTP status first, then by Twilio's code,
// since codes are split over time. Whatever is not certain is in doubt.
func (p *Provider) judge(c *call, message *openapi.ApiV2010Message, err error) ports.Outcome {
	switch {
	case c.status == 0:
		return c.answer.Unanswered()
	case c.answer.Success():
		return accepted(c, message, err)
	case c.answer.Uncertain():
		return ports.Outcome{
			Class: domain.ClassInDoubt, Code: codeString(c.code), HTTPStatus: c.status,
			Cause: "http_" + strconv.Itoa(c.status),
		}
	}
	return p.refused(c)
}

// accepted trusts a success only if it names the message.
func accepted(c *call, message *openapi.ApiV2010Message, err error) ports.Outcome {
	if c.err != nil {
		return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: c.status, Cause: httpcall.Cause(c.err)}
	}
	if err != nil || message.Sid == nil || !messageSID.MatchString(*message.Sid) {
		return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: c.status, Cause: httpcall.CauseUnreadable}
	}
	o := ports.Outcome{Class: domain.ClassSent, ProviderMessageID: *message.Sid, HTTPStatus: c.status}
	if message.Status != nil {
		o.ProviderStatus = *message.Status
	}
	if message.ErrorCode != nil {
		o.Code = codeString(*message.ErrorCode)
	}
	return o
}

// refused classifies a 4xx: certainly not sent, whether or not its body arrived.
func (p *Provider) refused(c *call) ports.Outcome {
	o := ports.Outcome{Code: codeString(c.code), HTTPStatus: c.status}
	known, ok := p.classes[c.code]
	ok = ok && c.code != 0
	if ok {
		o.Detail = known.note
	}
	switch {
	case c.status == http.StatusTooManyRequests:
		o.Class = domain.ClassThrottled
	case c.status == http.StatusUnauthorized, c.status == http.StatusForbidden && !ok:
		o.Class = domain.ClassProviderWide
	case c.err != nil:
		o.Class, o.Detail = domain.ClassNotSent, "refused, for a reason that was lost on the way"
	case ok:
		o.Class = known.class
	default:
		o.Class, o.Detail = domain.ClassPermanent, "refused with a code we do not know"
	}
	switch o.Class {
	case domain.ClassThrottled:
		o.RetryAfter = httpcall.RetryAfter(c.header, p.config.Now())
	case domain.ClassInDoubt:
		o.Cause = "http_" + strconv.Itoa(c.status)
	}
	return o
}

func codeString(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}
