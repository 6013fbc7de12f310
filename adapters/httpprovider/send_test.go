package httpprovider_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// noon is when everything happens.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// text has everything that could break out of where it stands.
var text = ports.Text{
	MessageID: "msg_1", Attempt: 2, To: "+14155552671", From: "A&B",
	Body: "\"},\"to\":\"+1\" &to=x %2B {to} \\ ünï <b> \u2028\n",
}

// seen is a request as a server reads it.
type seen struct {
	Method, Path, Query, ContentType, Authorization, Account, Body string
}

func TestAnAnswerMeansWhatTheConfigurationSays(t *testing.T) {
	t.Parallel()
	outcome := func(class domain.Class, status int, change ...func(*ports.Outcome)) ports.Outcome {
		o := ports.Outcome{Class: class, HTTPStatus: status}
		if class == domain.ClassInDoubt {
			o.Cause = fmt.Sprint("http_", status)
		}
		for _, c := range change {
			c(&o)
		}
		return o
	}
	code := func(code, detail string) func(*ports.Outcome) {
		return func(o *ports.Outcome) { o.Code, o.Detail = code, detail }
	}
	id := func(id, status string) func(*ports.Outcome) {
		return func(o *ports.Outcome) { o.ProviderMessageID, o.ProviderStatus = id, status }
	}
	unreadable := func(o *ports.Outcome) { o.Cause = "unreadable_answer" }
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   ports.Outcome
	}{
		{"accepted", 201, `{"message":{"id":"m-1","state":"queued"}}`, outcome(domain.ClassSent, 201, id("m-1", "queued"))},
		{"a number as id", 200, `{"message":{"id":12345678901234567890}}`, outcome(domain.ClassSent, 200, id("12345678901234567890", ""))},
		{"a status that is a sentence", 200, `{"message":{"id":"m","state":"sent to +14155552671"}}`, outcome(domain.ClassSent, 200, id("m", ""))},
		{"a success without an id", 200, `{"message":{}}`, outcome(domain.ClassInDoubt, 200, unreadable)},
		{"an id that is none", 200, `{"message":{"id":"+14155552671 ok"}}`, outcome(domain.ClassInDoubt, 200, unreadable)},
		{"a success that is a page", 200, `<html>`, outcome(domain.ClassInDoubt, 200, unreadable)},
		{"two documents", 200, `{"message":{"id":"m-1"}}{}`, outcome(domain.ClassInDoubt, 200, unreadable)},
		{"a success that the code denies", 200, `{"message":{"id":"m-1"},"error":{"code":"no_route"}}`, outcome(domain.ClassUnroutable, 200, code("no_route", ""))},
		{"an opt-out", 400, `{"error":{"code":"blocked"}}`, outcome(domain.ClassOptedOut, 400, code("blocked", "the recipient has opted out"))},
		{"a status of the rules", 402, ``, outcome(domain.ClassProviderWide, 402, code("", "no credit"))},
		{"a server error that promises", 503, `{"error":{"code":"not_accepted"}}`, outcome(domain.ClassNotSent, 503, code("not_accepted", ""))},
		{"one that does not", 503, `{"error":{"code":"oops"}}`, outcome(domain.ClassInDoubt, 503, code("oops", ""))},
		{"a redirect", 307, ``, outcome(domain.ClassInDoubt, 307)},
		{"a timeout of theirs", 408, ``, outcome(domain.ClassInDoubt, 408)},
		{"forbidden", 403, ``, outcome(domain.ClassProviderWide, 403)},
		{"any other refusal", 404, `{"error":{"code":17}}`, outcome(domain.ClassPermanent, 404, code("17", "refused"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			t.Cleanup(server.Close)
			c := (&far{server: server}).config()
			if got := openProvider(t, c).Send(t.Context(), text); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestWhatATextSaysStaysInItsField(t *testing.T) {
	t.Parallel()
	expires := noon.Add(90 * time.Second)
	plain := text
	plain.From, plain.ExpiresAt = "", &expires
	for _, tt := range []struct {
		name    string
		text    ports.Text
		request httpprovider.Request
		auth    httpprovider.Auth
		want    seen
	}{
		{
			"json", text,
			httpprovider.Request{URL: "/sms", Headers: map[string]string{"X-Account": "a-{attempt}"}, JSON: map[string]any{
				"to": []any{"{to_digits}"}, "text": "«{body}»", "n": 3, "ttl": "{validity}",
			}},
			httpprovider.Auth{Header: &httpprovider.Header{Name: "Authorization", Value: "Key k"}},
			seen{
				Method: "POST", Path: "/sms", ContentType: "application/json", Authorization: "Key k", Account: "a-2",
				Body: `{"n":3,"text":"«\"},\"to\":\"+1\" \u0026to=x %2B {to} \\ ünï \u003cb\u003e \u2028\n»","to":["14155552671"]}`,
			},
		},
		{
			"form", plain,
			httpprovider.Request{Method: "PUT", URL: "/sms", Form: map[string]string{"From": "{from}", "TTL": "{validity}", "Ref": "{reference}", "Text": "{body}"}},
			httpprovider.Auth{Basic: &httpprovider.Basic{User: "u", Password: "p"}},
			seen{
				Method: "PUT", Path: "/sms", ContentType: "application/x-www-form-urlencoded", Authorization: "Basic dTpw",
				Body: url.Values{"From": {"ACME"}, "TTL": {"90"}, "Ref": {"msg_1.2"}, "Text": {string(text.Body)}}.Encode(),
			},
		},
		{
			"path and query", text,
			httpprovider.Request{URL: "/to/{to}/{id}?text={body}&from={from}&cb={callback}"},
			httpprovider.Auth{Bearer: "t"},
			seen{
				Method: "POST", Path: "/to/+14155552671/msg_1", Authorization: "Bearer t",
				Query: "text=" + url.QueryEscape(string(text.Body)) + "&from=A%26B&cb=" +
					url.QueryEscape("https://sms.example.com/in/webhooks/acme/status?m=msg_1&a=2"),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan seen, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				requests <- seen{
					r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"),
					r.Header.Get("Authorization"), r.Header.Get("X-Account"), string(body),
				}
			}))
			t.Cleanup(server.Close)
			tt.request.URL = server.URL + tt.request.URL
			provider := openProvider(t, httpprovider.Config{
				Name: "acme", From: "ACME", Request: tt.request, Auth: tt.auth, Response: httpprovider.Response{ID: "id"},
				Callback: &callback, PublicURL: "https://sms.example.com/in/", Now: func() time.Time { return noon },
			})
			provider.Send(t.Context(), tt.text)
			if diff := cmp.Diff(tt.want, <-requests); diff != "" {
				t.Errorf("the request (-want +got):\n%s", diff)
			}
		})
	}
}
