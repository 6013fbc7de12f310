package twilio

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/ports"
)

// Check asks for one message of the account, whichever, and so whether its
// credentials are good. It sends nothing.
func (p *Provider) Check(ctx context.Context) error {
	if _, _, err := p.page(ctx, new(openapi.ListMessageParams).SetPageSize(1), pageMark{}); err != nil {
		return fmt.Errorf("asking for the account's messages: %w", err)
	}
	return nil
}

// Sign returns the X-Twilio-Signature of a callback to rawURL with form.
func Sign(token ports.Secret, rawURL string, form url.Values) string {
	signed, query := signedURL(rawURL)
	params, _ := signedParams(query, []byte(form.Encode()))
	return base64.StdEncoding.EncodeToString(sign(string(token), signed, params))
}
