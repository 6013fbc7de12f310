package twilio_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/ports"
)

func TestARequestIsShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	p, err := twilio.New(twilio.Config{AccountSID: account, AuthToken: "hush", MessagingServiceSID: service, PublicURL: "https://sms.example"})
	if err != nil {
		t.Fatal(err)
	}
	expires := now.Add(time.Hour)
	got := p.Show(ports.Text{MessageID: "msg_1", Attempt: 2, To: "•••• 00", Body: "••••", ExpiresAt: &expires}, now)
	want := `POST https://api.twilio.com/2010-04-01/Accounts/AC…cdef/Messages.json
To: •••• 00
Body: ••••
MessagingServiceSid: ` + service + `
StatusCallback: https://sms.example/webhooks/twilio/status?m=msg_1&a=2#rc=5&rp=all
ValidityPeriod: 3600
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCodesAreExplainedInOurWords(t *testing.T) {
	t.Parallel()
	p, err := twilio.New(twilio.Config{AccountSID: account, AuthToken: "hush", MessagingServiceSID: service, PublicURL: "https://sms.example"})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"30003": "handset off/no signal", "21614": "not a mobile number", "39999": "", "0": "", "": "", "x": ""} {
		if got := p.Explain(code); got != want {
			t.Errorf("%q is explained as %q, want %q", code, got, want)
		}
	}
}
