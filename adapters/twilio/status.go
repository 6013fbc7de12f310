package twilio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// What may stand in a status and go on into events: nothing personal fits.
var (
	statusWord = regexp.MustCompile(`^[a-z_]{1,32}$`)
	errorWord  = regexp.MustCompile(`^[0-9]{0,6}$`)
)

// results says what Twilio's statuses mean. All others, and any that Twilio may
// add, are progress.
var results = map[string]domain.ReceiptResult{
	"delivered":   domain.ReceiptDelivered,
	"read":        domain.ReceiptDelivered,
	"undelivered": domain.ReceiptUndelivered,
	"failed":      domain.ReceiptUndelivered,
	"canceled":    domain.ReceiptUndelivered,
}

// ParseStatus reads the body of a status callback, whose signature must have been
// verified. Attempt, Provider and At are for the caller to fill: the attempt and
// its message stand in the query of the callback's URL. Errors quote nothing.
func ParseStatus(rawBody []byte) (domain.Receipt, error) {
	form, err := parseWebhook(rawBody)
	if err != nil {
		return domain.Receipt{}, fmt.Errorf("parsing status callback: %w", err)
	}
	r, err := receiptOf(
		cmp.Or(form.Get("MessageSid"), form.Get("SmsSid")), cmp.Or(form.Get("MessageStatus"), form.Get("SmsStatus")), form.Get("ErrorCode"))
	if err != nil {
		return domain.Receipt{}, fmt.Errorf("parsing status callback: %w", err)
	}
	return r, nil
}

// Status implements ports.Provider by fetching the message.
func (p *Provider) Status(ctx context.Context, sid string) (domain.Receipt, error) {
	r, err := p.status(ctx, sid)
	if err != nil {
		return domain.Receipt{}, fmt.Errorf("fetching message: %w", err)
	}
	return r, nil
}

func (p *Provider) status(ctx context.Context, sid string) (domain.Receipt, error) {
	if !messageSID.MatchString(sid) {
		return domain.Receipt{}, errors.New("not the SID of a message")
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	c := &call{provider: p, ctx: ctx}
	message, err := c.api().FetchMessage(sid, new(openapi.FetchMessageParams))
	switch {
	case c.code == testCredentials:
		return domain.Receipt{}, fmt.Errorf("with test credentials: %w", ports.ErrNoLookup)
	case c.err != nil:
		return domain.Receipt{}, c.err
	case c.status != http.StatusOK:
		return domain.Receipt{}, fmt.Errorf("http status %d, code %d", c.status, c.code)
	case err != nil, message.Sid == nil, *message.Sid != sid, message.Status == nil:
		return domain.Receipt{}, errUnreadable
	}
	code := ""
	if message.ErrorCode != nil {
		code = codeString(*message.ErrorCode)
	}
	return receiptOf(sid, *message.Status, code)
}

// receiptOf takes Twilio's words only if nothing personal can be in them.
func receiptOf(sid, status, code string) (domain.Receipt, error) {
	switch {
	case !messageSID.MatchString(sid):
		return domain.Receipt{}, errors.New("no message SID")
	case !statusWord.MatchString(status):
		return domain.Receipt{}, errors.New("no status")
	case !errorWord.MatchString(code):
		return domain.Receipt{}, errors.New("malformed error code")
	}
	return domain.Receipt{ProviderMessageID: sid, ProviderStatus: status, ErrorCode: code, Result: results[status]}, nil
}

// parseWebhook reads a form as VerifySignature does.
func parseWebhook(rawBody []byte) (url.Values, error) {
	if len(rawBody) > maxWebhook {
		return nil, errors.New("body is too large")
	}
	form, err := url.ParseQuery(string(rawBody))
	if err != nil {
		return nil, errors.New("body is not a form")
	}
	return form, nil
}
