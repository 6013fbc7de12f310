package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func TestCreateAnswersAsTwilioDoes(t *testing.T) {
	t.Parallel()
	const service = "MG0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name   string
		pairs  []string
		status int
		code   float64
	}{
		{"a text", nil, 201, 0},
		{"through a service", []string{"From", "", "MessagingServiceSid", service}, 201, 0},
		{"from a short code", []string{"From", "72345"}, 201, 0},
		{"from a name", []string{"From", "ACME"}, 201, 0},
		{"1600 characters", []string{"Body", strings.Repeat("é", 1600)}, 201, 0},
		{"a callback to this machine", []string{"StatusCallback", "http://127.0.0.1:1/status?m=1&a=1#rc=0"}, 201, 0},
		{"no recipient", []string{"To", ""}, 400, 21604},
		{"no sender", []string{"From", ""}, 400, 21603},
		{"no body", []string{"Body", ""}, 400, 21602},
		{"1601 characters", []string{"Body", strings.Repeat("é", 1601)}, 400, 21617},
		{"a recipient that is no number", []string{"To", "4155550100"}, 400, 21211},
		{"a sender that cannot be one", []string{"From", "a name too long"}, 400, 21212},
		{"a service that cannot be one", []string{"From", "", "MessagingServiceSid", "MG1"}, 400, 21705},
		{"a callback without a host", []string{"StatusCallback", "/status"}, 400, 21609},
		{"a callback to a host with an underscore", []string{"StatusCallback", "https://my_host/"}, 400, 21609},
		{"no validity", []string{"ValidityPeriod", "0"}, 400, 21624},
		{"too long a validity", []string{"ValidityPeriod", "36001"}, 400, 21624},
		{"to an invalid number", []string{"To", "+15005550001"}, 400, 21211},
		{"without a route", []string{"To", "+15005550002"}, 400, 21612},
		{"to a region not enabled", []string{"To", "+15005550003"}, 400, 21408},
		{"to one who opted out", []string{"To", "+15005550004"}, 400, 21610},
		{"to no mobile", []string{"To", "+15005550009"}, 400, 21614},
		{"from an invalid number", []string{"From", "+15005550001"}, 400, 21212},
		{"from somebody else's number", []string{"From", "+15005550007"}, 400, 21606},
		{"from a number with a full queue", []string{"From", "+15005550008"}, 400, 21611},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, sandbox.Config{})
			a := b.create(tt.pairs...)
			if a.status != tt.status {
				t.Fatalf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			accepted := int64(1)
			if tt.code != 0 {
				accepted = 0
				if got := field[float64](t, a, "code"); got != tt.code {
					t.Errorf("code %v, want %v", got, tt.code)
				}
			}
			if got := b.Ledger(0, 0).Accepted; got != accepted {
				t.Errorf("the ledger has %d, want %d", got, accepted)
			}
		})
	}
}

func TestNumbersOfOurOwn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		to       string
		answers  []int // of creates one after the other; 0: cut
		accepted int64
	}{
		{sandbox.ToDelivered, []int{201}, 1},
		{sandbox.ToAcceptedFails, []int{503}, 1},
		{sandbox.ToThrottled, []int{429, 429, 201, 429}, 1},
	} {
		t.Run(tt.to, func(t *testing.T) {
			t.Parallel()
			b := open(t, sandbox.Config{})
			for i, want := range tt.answers {
				if got := b.create("To", tt.to); got.status != want {
					t.Errorf("create %d: status %d, want %d", i+1, got.status, want)
				}
			}
			if got := b.Ledger(0, 0).Accepted; got != tt.accepted {
				t.Errorf("the ledger has %d, want %d", got, tt.accepted)
			}
		})
	}
	t.Run("the throttled number counts a text's own attempts", func(t *testing.T) {
		t.Parallel()
		b := open(t, sandbox.Config{})
		for attempt, want := range map[string]int{"1": 429, "2": 429, "3": 201} {
			if got := b.create("To", sandbox.ToThrottled, "StatusCallback", "http://127.0.0.1:1/?m=x&a="+attempt+"#rc=0"); got.status != want {
				t.Errorf("attempt %s: status %d, want %d", attempt, got.status, want)
			}
		}
	})
}

func TestCreateWantsCredentialsAndAForm(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	resp, err := b.client.PostForm(b.url+messages+".json", text())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("without credentials: status %d", resp.StatusCode)
	}
	if a := b.do(http.MethodPost, messages+".json", "application/json", `{"To":"+14155550100"}`); a.status != 400 {
		t.Errorf("JSON: status %d", a.status)
	}
	other := strings.Replace(messages, "AC5", "AC6", 1)
	if a := b.do(http.MethodPost, other+".json", "application/x-www-form-urlencoded", text().Encode()); a.status != 404 {
		t.Errorf("another account: status %d", a.status)
	}
	if got := b.Ledger(0, 0).Accepted; got != 0 {
		t.Errorf("the ledger has %d", got)
	}
}
