package twilio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"syscall"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// messageSID is Twilio's name for a message (messages-oas.json).
var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// Causes of a doubt.
const (
	causeTimeout    = "timeout"
	causeCanceled   = "canceled"
	causeLost       = "connection_lost"
	causeUnreadable = "unreadable_answer"
)

// outcome says what a create came to: by HTTP status first, then by Twilio's code,
// since codes are split over time. Whatever is not certain is in doubt.
func (p *Provider) outcome(c *call, message *openapi.ApiV2010Message, err error) ports.Outcome {
	switch {
	case c.status == 0:
		return unanswered(c)
	case c.status >= 200 && c.status <= 299:
		return accepted(c, message, err)
	case c.status == http.StatusRequestTimeout, c.status < 400, c.status > 499:
		return ports.Outcome{
			Class: domain.ClassInDoubt, Code: codeString(c.code), HTTPStatus: c.status,
			Cause: "http_" + strconv.Itoa(c.status),
		}
	}
	return p.refused(c)
}

// unanswered tells a call that never had a connection, and so wrote nothing, from
// one that may have written something. The line is conservative: having had a
// connection counts as having written.
func unanswered(c *call) ports.Outcome {
	if c.connected.Load() {
		return ports.Outcome{Class: domain.ClassInDoubt, Cause: cause(c.err)}
	}
	if errors.Is(c.err, syscall.ECONNREFUSED) {
		return ports.Outcome{Class: domain.ClassProviderWide, Detail: "connection refused"}
	}
	return ports.Outcome{Class: domain.ClassNotSent, Detail: "no connection: " + noConnection(c.err)}
}

// accepted trusts a success only if it names the message.
func accepted(c *call, message *openapi.ApiV2010Message, err error) ports.Outcome {
	if c.err != nil {
		return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: c.status, Cause: cause(c.err)}
	}
	if err != nil || message.Sid == nil || !messageSID.MatchString(*message.Sid) {
		return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: c.status, Cause: causeUnreadable}
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
		o.RetryAfter = retryAfter(c.header, p.config.Now())
	case domain.ClassInDoubt:
		o.Cause = "http_" + strconv.Itoa(c.status)
	}
	return o
}

// cause says why there is no answer to a request that may have been read.
func cause(err error) string {
	switch timeout, ok := errors.AsType[net.Error](err); {
	case errors.Is(err, context.Canceled):
		return causeCanceled
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return causeTimeout
	}
	return causeLost
}

// noConnection says why there was no connection, without the peer's address.
func noConnection(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host's name is not known"
		}
		return "the host's name could not be looked up"
	}
	switch op, ok := errors.AsType[*net.OpError](err); {
	case errors.Is(err, context.Canceled):
		return "canceled while waiting for one"
	case cause(err) == causeTimeout:
		return "timed out"
	case ok:
		return fmt.Sprintf("%s failed", op.Op)
	}
	return "the peer was not acceptable" // TLS: certificate, version
}

func codeString(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}
