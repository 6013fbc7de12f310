package httpprovider_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/ports"
)

func TestARequestIsShownWithoutWhatMayBeSecret(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	expires := at.Add(time.Minute)
	for name, tt := range map[string]struct {
		request httpprovider.Request
		want    string
	}{
		"a form": {
			httpprovider.Request{URL: "https://sms.example/{id}/send?key=hush&to={to_digits}", Form: map[string]string{"text": "{body}", "password": "hush", "callback": "{callback}"}},
			"POST https://sms.example/msg_1/send\n?key: ••••\n?to: •••• 71\npassword: ••••\ntext: ••••\n",
		},
		"JSON": {
			httpprovider.Request{Method: "PUT", URL: "https://sms.example/send", JSON: map[string]any{"sms": []any{map[string]any{"to": "{to}", "ttl": "{validity}", "token": "hush", "flash": false}}}},
			"PUT https://sms.example/send\n{\n  \"sms\": [\n    {\n      \"flash\": false,\n      \"to\": \"•••• 71\",\n      \"token\": \"••••\",\n      \"ttl\": \"60\"\n    }\n  ]\n}\n",
		},
	} {
		p, err := httpprovider.New(httpprovider.Config{
			Name: "acme", From: "ACME", Auth: httpprovider.Auth{Bearer: token}, Request: tt.request, Response: httpprovider.Response{ID: "id"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := p.Show(ports.Text{MessageID: "msg_1", Attempt: 1, To: "•••• 71", Body: "••••", ExpiresAt: &expires}, at)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
