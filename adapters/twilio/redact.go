package twilio

import (
	"context"
	"net/http"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// Redact has Twilio erase the body of a message, or delete its record with the
// numbers in it, by domain.RedactBody and RedactRecord. Twilio refuses both until
// the message is final, by its own view, which may lag behind its receipts (20009).
// What it does not know any more is redacted. It can be repeated.
func (p *Provider) Redact(ctx context.Context, sid, what string) ports.Redaction {
	if !messageSID.MatchString(sid) {
		return ports.Redaction{Detail: "not the SID of a message"}
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	c := &call{provider: p, ctx: ctx}
	var err error
	switch what {
	case domain.RedactBody:
		var message *openapi.ApiV2010Message
		message, err = c.api().UpdateMessage(sid, new(openapi.UpdateMessageParams).SetBody(""))
		if err == nil && (message.Body == nil || *message.Body != "") {
			return ports.Redaction{HTTPStatus: c.status, Detail: "the answer does not say that the body is gone"}
		}
	case domain.RedactRecord:
		err = c.api().DeleteMessage(sid, new(openapi.DeleteMessageParams))
	default:
		return ports.Redaction{Detail: "Twilio has nothing of that kind"}
	}
	switch {
	case c.status == http.StatusNotFound:
		return ports.Redaction{Done: true, HTTPStatus: c.status}
	case c.err != nil:
		return ports.Redaction{Detail: c.err.Error()}
	case c.status < 200 || c.status > 299:
		return ports.Redaction{HTTPStatus: c.status, Code: codeString(c.code), Detail: "refused"}
	case err != nil:
		return ports.Redaction{HTTPStatus: c.status, Detail: "unreadable answer"}
	}
	return ports.Redaction{Done: true, HTTPStatus: c.status}
}
