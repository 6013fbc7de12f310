package httpprovider

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
)

func FuzzCallback(f *testing.F) {
	c := Callback{Secret: "sixteen bytes or more", ID: "id", Status: "report.state", Code: "error", Delivered: []string{"arrived"}, Undelivered: []string{"lost"}}
	f.Add("https://sms.example.com/webhooks/acme/status?m=1", `{"id":"1","report":{"state":"arrived"}}`, "")
	f.Add("u", `id=1&report.state=lost&error=7`, "sha256=00")
	f.Add("", `{"id":{"a":1},"report":[]}`, "sha256=")
	f.Fuzz(func(t *testing.T, url, body, signature string) {
		want := hex.EncodeToString(c.sign(url, []byte(body)))
		if c.Verify(url, []byte(body), signature) != strings.EqualFold(strings.TrimPrefix(signature, "sha256="), want) {
			t.Fatal("a forged callback is believed, or a signed one is not")
		}
		if !c.Verify(url, []byte(body), "sha256="+want) && len(body) <= maxCallback {
			t.Fatal("a signed callback is not believed")
		}
		receipt, err := c.Parse([]byte(body))
		switch {
		case err != nil:
			if len(body) > 40 && strings.Contains(err.Error(), body) {
				t.Fatal("an error quotes the callback")
			}
		case receipt.ProviderMessageID == "" || receipt.ProviderStatus == "":
			t.Fatalf("%+v says nothing", receipt)
		case (receipt.Result == domain.ReceiptDelivered) != (receipt.ProviderStatus == "arrived"):
			t.Fatalf("%s is %v", receipt.ProviderStatus, receipt.Result)
		}
	})
}
