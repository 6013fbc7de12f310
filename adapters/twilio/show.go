package twilio

import (
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Show tells people what Send asks of Twilio for an attempt that begins at a time:
// made anew from the present configuration, with no secret in it. What is personal
// in text is shown as it is given: give masks.
func (p *Provider) Show(text ports.Text, at time.Time) string {
	params := p.params(text, at)
	var out strings.Builder
	fmt.Fprintf(&out, "POST %s/2010-04-01/Accounts/%s/Messages.json\n", strings.TrimRight(p.base.String(), "/"), abridged(p.config.AccountSID))
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"To", params.To}, {"Body", params.Body}, {"From", params.From}, {"MessagingServiceSid", params.MessagingServiceSid},
		{"StatusCallback", params.StatusCallback},
	} {
		if field.value != nil {
			fmt.Fprintf(&out, "%s: %s\n", field.name, *field.value)
		}
	}
	if params.ValidityPeriod != nil {
		fmt.Fprintf(&out, "ValidityPeriod: %d\n", *params.ValidityPeriod)
	}
	return out.String()
}

// abridged is enough of an account to tell it from another.
func abridged(sid string) string {
	if len(sid) <= 8 {
		return "…"
	}
	return sid[:2] + "…" + sid[len(sid)-4:]
}
