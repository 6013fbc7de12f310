package httpprovider_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/domain"
)

var callback = httpprovider.Callback{
	Secret: "0123456789abcdef", ID: "message.id", Status: "message.state", Code: "error",
	Delivered: []string{"arrived"}, Undelivered: []string{"lost"},
}

const callbackURL = "https://sms.example.com/webhooks/acme/status?m=msg_1&a=1"

// signature is made as the documentation of Callback says, by other means.
func signature(secret, signed string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestACallbackIsBelievedOnlyWithItsSignature(t *testing.T) {
	t.Parallel()
	const body = `{"message":{"id":"m-1","state":"arrived"}}`
	good := signature("0123456789abcdef", callbackURL+"\n"+body)
	for name, tt := range map[string]struct {
		url, body, signature string
		want                 bool
	}{
		"as documented":      {callbackURL, body, good, true},
		"with its algorithm": {callbackURL, body, "sha256=" + good, true},
		"another attempt":    {callbackURL + "2", body, good, false},
		"another body":       {callbackURL, body + " ", good, false},
		"another secret":     {callbackURL, body, signature("0123456789abcdeX", callbackURL+"\n"+body), false},
		"cut short":          {callbackURL, body, good[:32], false},
		"none":               {callbackURL, body, "", false},
		"no hex":             {callbackURL, body, "ß", false},
		"a line moved":       {callbackURL + "\n", body, good, false},
	} {
		if got := callback.Verify(tt.url, []byte(tt.body), tt.signature); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (httpprovider.Callback{}).Verify(callbackURL, nil, "") {
		t.Error("without a secret anything is believed")
	}
}

func TestACallbackSaysWhatBecameOfAText(t *testing.T) {
	t.Parallel()
	flat := callback
	flat.ID, flat.Status = "Id", "State"
	for _, tt := range []struct {
		name     string
		callback httpprovider.Callback
		body     string
		want     domain.Receipt // zero: refused
	}{
		{"json", callback, ` {"message":{"id":"m-1","state":"arrived"}}`, domain.Receipt{ProviderMessageID: "m-1", ProviderStatus: "arrived", Result: domain.ReceiptDelivered}},
		{"form", flat, "Id=m-1&State=lost&error=17&Id=m-2", domain.Receipt{ProviderMessageID: "m-1", ProviderStatus: "lost", ErrorCode: "17", Result: domain.ReceiptUndelivered}},
		{"progress", callback, `{"message":{"id":1,"state":"on_its_way"},"error":"no sentence"}`, domain.Receipt{ProviderMessageID: "1", ProviderStatus: "on_its_way"}},
		{"no id", callback, `{"message":{"state":"arrived"}}`, domain.Receipt{}},
		{"no status", callback, `{"message":{"id":"m-1","state":null}}`, domain.Receipt{}},
		{"cut short", callback, `{"message":{"id":"m-1"`, domain.Receipt{}},
		{"nothing", callback, ``, domain.Receipt{}},
	} {
		got, err := tt.callback.Parse([]byte(tt.body))
		if got != tt.want || (err == nil) != (tt.want != domain.Receipt{}) {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestSecretsPrintAsStars(t *testing.T) {
	t.Parallel()
	c := httpprovider.Config{
		Auth:     httpprovider.Auth{Bearer: "hunter2", Header: &httpprovider.Header{Value: "hunter2"}},
		Callback: &callback,
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown := fmt.Sprintf("%+v", c) + fmt.Sprintf(format, *c.Auth.Header) + fmt.Sprintf(format, *c.Callback)
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, string(callback.Secret[:16])) {
			t.Errorf("%s shows a secret: %s", format, shown)
		}
	}
}
