package twilio_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	service = "MG0123456789abcdef0123456789abcdef"
	sid     = "SM0123456789abcdef0123456789abcdef"
	path    = "/2010-04-01/Accounts/" + account + "/Messages.json"
	created = `{"sid":"` + sid + `","status":"queued"}`
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	text = ports.Text{MessageID: "msg_1", Attempt: 2, To: "+14155550100", Body: "Hello & 50% off 👍"}
)

// request is what reached the fake, read whole.
type request struct {
	method, uri, body string
	header            http.Header
	user, password    string
}

// fakeTwilio answers every request with answer and hands it to the test.
func fakeTwilio(t *testing.T, answer http.HandlerFunc) (baseURL string, requests <-chan request) {
	t.Helper()
	seen := make(chan request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		seen <- request{r.Method, r.RequestURI, string(body), r.Header.Clone(), user, password}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

// reply answers with a status, a body and "Name: value" headers.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// open returns a provider that thinks it is now.
func open(t *testing.T, c twilio.Config) *twilio.Provider {
	t.Helper()
	c.AccountSID, c.AuthToken, c.Now = account, "test-token!", func() time.Time { return now }
	if c.From == "" && c.MessagingServiceSID == "" {
		c.From = "+15005550006"
	}
	provider, err := twilio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	return provider
}

func TestSendAsksForOneMessage(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) *time.Time { v := now.Add(d); return &v }
	base := url.Values{"To": {"+14155550100"}, "Body": {"Hello & 50% off 👍"}}
	with := func(pairs ...string) url.Values {
		v := maps.Clone(base)
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for _, tt := range []struct {
		name   string
		config twilio.Config
		change func(*ports.Text)
		want   url.Values
	}{
		{"from the default number", twilio.Config{From: "+15005550006"}, nil, with("From", "+15005550006")},
		{"from the service rather than the number", twilio.Config{From: "+15005550006", MessagingServiceSID: service}, nil, with("MessagingServiceSid", service)},
		{"from the text's own sender rather than either", twilio.Config{From: "+15005550006", MessagingServiceSID: service}, func(t *ports.Text) { t.From = "ACME" }, with("From", "ACME")},
		{
			"with a callback that names the attempt", twilio.Config{PublicURL: "https://sms.example.com/base/"},
			func(t *ports.Text) { t.MessageID = "a b&c" },
			with("From", "+15005550006", "StatusCallback", "https://sms.example.com/base/webhooks/twilio/status?m=a+b%26c&a=2#rc=5&rp=all"),
		},
		{"valid for what is left", twilio.Config{}, func(t *ports.Text) { t.ExpiresAt = at(90500 * time.Millisecond) }, with("From", "+15005550006", "ValidityPeriod", "90")},
		{"valid for ten hours at the most", twilio.Config{}, func(t *ports.Text) { t.ExpiresAt = at(72 * time.Hour) }, with("From", "+15005550006", "ValidityPeriod", "36000")},
		{"valid for a second at the least", twilio.Config{}, func(t *ports.Text) { t.ExpiresAt = at(-time.Hour) }, with("From", "+15005550006", "ValidityPeriod", "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			baseURL, requests := fakeTwilio(t, reply(201, created))
			tt.config.BaseURL = baseURL
			text := text
			if tt.change != nil {
				tt.change(&text)
			}
			got := open(t, tt.config).Send(t.Context(), text)
			want := ports.Outcome{Class: domain.ClassSent, ProviderMessageID: sid, ProviderStatus: "queued", HTTPStatus: 201}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			checkCreate(t, <-requests, tt.want)
			if len(requests) > 0 {
				t.Error("a second request was made")
			}
		})
	}
}

func checkCreate(t *testing.T, r request, want url.Values) {
	t.Helper()
	form, err := url.ParseQuery(r.body)
	if err != nil || !cmp.Equal(form, want) {
		t.Errorf("form (-want +got):\n%s", cmp.Diff(want, form))
	}
	if r.method != http.MethodPost || r.uri != path {
		t.Errorf("%s %s, want POST %s", r.method, r.uri, path)
	}
	if r.user != account || r.password != "test-token!" {
		t.Error("the credentials are not the account's")
	}
	if got := r.header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
		t.Errorf("content type %q", got)
	}
	// With one of these net/http would send the POST again by itself.
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if _, ok := r.header[name]; ok {
			t.Errorf("the request has a header %s", name)
		}
	}
}

func TestSendKeepsThePathOfTheBaseURL(t *testing.T) {
	t.Parallel()
	baseURL, requests := fakeTwilio(t, reply(201, created))
	open(t, twilio.Config{BaseURL: baseURL + "/mirror/"}).Send(t.Context(), text)
	if r := <-requests; r.uri != "/mirror"+path {
		t.Errorf("asked for %s", r.uri)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := twilio.New(twilio.Config{AccountSID: "AC/../x", BaseURL: "ftp://user:hush@host", PublicURL: "https://my_host/"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"account SID", "auth token", "base URL", "public URL"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name the %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Error("the error shows a password")
	}
}
