package twilio

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/pro-sms/prosms/domain"
)

// What may stand in a status callback and go on into events: nothing personal fits.
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
	r := domain.Receipt{
		ProviderMessageID: cmp.Or(form.Get("MessageSid"), form.Get("SmsSid")),
		ProviderStatus:    cmp.Or(form.Get("MessageStatus"), form.Get("SmsStatus")),
		ErrorCode:         form.Get("ErrorCode"),
	}
	switch {
	case !messageSID.MatchString(r.ProviderMessageID):
		return domain.Receipt{}, errors.New("parsing status callback: no message SID")
	case !statusWord.MatchString(r.ProviderStatus):
		return domain.Receipt{}, errors.New("parsing status callback: no status")
	case !errorWord.MatchString(r.ErrorCode):
		return domain.Receipt{}, errors.New("parsing status callback: malformed error code")
	}
	r.Result = results[r.ProviderStatus]
	return r, nil
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
