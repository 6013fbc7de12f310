package twilio_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

var html = "<html>" + strings.Repeat("<p>Bad gateway</p>", 100) + "</html>"

func TestAnswersAreClassified(t *testing.T) {
	t.Parallel()
	doubt := func(status int, cause string) ports.Outcome {
		return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: status, Cause: cause}
	}
	refused := func(class domain.Class, status, code int) ports.Outcome {
		return ports.Outcome{Class: class, HTTPStatus: status, Code: strings.TrimPrefix(strconv.Itoa(code), "0")}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   ports.Outcome // but Detail
	}{
		{"accepted", reply(201, created), ports.Outcome{Class: domain.ClassSent, ProviderMessageID: sid, ProviderStatus: "queued", HTTPStatus: 201}},
		{"accepted, with another success", reply(200, created), ports.Outcome{Class: domain.ClassSent, ProviderMessageID: sid, ProviderStatus: "queued", HTTPStatus: 200}},
		{
			"accepted, and failed at once: it is on their books", reply(201, `{"sid":"`+sid+`","status":"failed","error_code":30034}`),
			ports.Outcome{Class: domain.ClassSent, ProviderMessageID: sid, ProviderStatus: "failed", Code: "30034", HTTPStatus: 201},
		},
		{"a success that is no JSON", reply(201, `<html>`), doubt(201, "unreadable_answer")},
		{"a success cut short", reply(201, created[:20]), doubt(201, "unreadable_answer")},
		{"a success without a name", reply(201, `{"status":"queued"}`), doubt(201, "unreadable_answer")},
		{"a success with a strange name", reply(201, `{"sid":"CA0123456789abcdef0123456789abcdef"}`), doubt(201, "unreadable_answer")},
		{"an empty success", reply(204, ``), doubt(204, "unreadable_answer")},
		{"a success beyond all bounds", reply(201, `{"x":"`+strings.Repeat("x", 2<<20)+`","sid":"`+sid+`"}`), doubt(201, "unreadable_answer")},
		{"a success whose connection is lost", reply(201, created, "Content-Length: 4000"), doubt(201, "connection_lost")},

		{"a server error may have been processed", reply(500, `{"code":20500,"status":500}`), ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: 500, Code: "20500", Cause: "http_500"}},
		{"a proxy's page of more than 512 bytes", reply(503, html), doubt(503, "http_503")},
		{"a gateway that gave up", reply(504, ``), doubt(504, "http_504")},
		{"an unheard-of status", reply(999, ``), doubt(999, "http_999")},
		{"a request that took too long", reply(408, ``), doubt(408, "http_408")},
		{"a redirect, which is not followed", reply(307, ``, "Location: /elsewhere"), doubt(307, "http_307")},
		{"a server error that claims a refusal", reply(500, `{"code":21211}`), ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: 500, Code: "21211", Cause: "http_500"}},
		{"a refusal whose code says it may have been processed", reply(400, `{"code":20500}`), ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: 400, Code: "20500", Cause: "http_400"}},

		{"too fast", reply(429, `{"code":20429}`), refused(domain.ClassThrottled, 429, 20429)},
		{"too fast, for so many seconds", reply(429, `{"code":20429}`, "Retry-After: 12"), ports.Outcome{Class: domain.ClassThrottled, HTTPStatus: 429, Code: "20429", RetryAfter: 12 * time.Second}},
		{
			"too fast, until a time by their own clock", reply(429, ``, "Date: Sun, 01 Mar 2026 09:00:00 GMT", "Retry-After: Sun, 01 Mar 2026 09:01:00 GMT"),
			ports.Outcome{Class: domain.ClassThrottled, HTTPStatus: 429, RetryAfter: time.Minute},
		},
		{"too fast, until a time that has passed", reply(429, ``, "Retry-After: Sun, 01 Mar 2020 09:01:00 GMT"), refused(domain.ClassThrottled, 429, 0)},
		{"too fast, for ever", reply(429, ``, "Retry-After: 2147483647"), ports.Outcome{Class: domain.ClassThrottled, HTTPStatus: 429, RetryAfter: 24 * time.Hour}},
		{"too fast, for nonsense", reply(429, ``, "Retry-After: -3"), refused(domain.ClassThrottled, 429, 0)},
		{"too fast, from a proxy", reply(429, html), refused(domain.ClassThrottled, 429, 0)},
		{"the sender's queue is full", reply(400, `{"code":21611}`, "Retry-After: 5"), ports.Outcome{Class: domain.ClassThrottled, HTTPStatus: 400, Code: "21611", RetryAfter: 5 * time.Second}},

		{"wrong credentials", reply(401, `{"code":20003}`), refused(domain.ClassProviderWide, 401, 20003)},
		{"wrong credentials, whatever the code", reply(401, `{"code":21211}`), refused(domain.ClassProviderWide, 401, 21211)},
		{"forbidden without a reason", reply(403, ``), refused(domain.ClassProviderWide, 403, 0)},
		{"account suspended", reply(403, `{"code":20403}`), refused(domain.ClassProviderWide, 403, 20403)},
		{"account not active, with another status", reply(400, `{"code":20005}`), refused(domain.ClassProviderWide, 400, 20005)},
		{"forbidden to this recipient alone", reply(403, `{"code":21610}`), refused(domain.ClassOptedOut, 403, 21610)},

		{"no number", reply(400, `{"code":21211}`), refused(domain.ClassPermanent, 400, 21211)},
		{"a code as a string", reply(400, `{"code":"21211"}`), refused(domain.ClassPermanent, 400, 21211)},
		{"opted out", reply(400, `{"code":21610}`), refused(domain.ClassOptedOut, 400, 21610)},
		{"a sender that cannot", reply(400, `{"code":21606}`), refused(domain.ClassSender, 400, 21606)},
		{"another route might", reply(400, `{"code":21612}`), refused(domain.ClassUnroutable, 400, 21612)},
		{"a code we do not know", reply(400, `{"code":21999}`), refused(domain.ClassPermanent, 400, 21999)},
		{"a status we do not know", reply(418, `teapot`), refused(domain.ClassPermanent, 418, 0)},
		{"no code at all", reply(404, html), refused(domain.ClassPermanent, 404, 0)},
		{"a code that is no code", reply(400, `{"code":"+14155550100"}`), refused(domain.ClassPermanent, 400, 0)},
		{"a refusal whose reason is lost", reply(400, `{"code":21`, "Content-Length: 4000"), refused(domain.ClassNotSent, 400, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			baseURL, requests := fakeTwilio(t, tt.answer)
			got := open(t, twilio.Config{BaseURL: baseURL}).Send(t.Context(), text)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(ports.Outcome{}, "Detail")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if certain := got.Class != domain.ClassSent && got.Class != domain.ClassInDoubt; certain && tt.want.Code != "" && got.Detail == "" {
				t.Error("a refusal without a detail")
			}
			if len(requests) != 1 {
				t.Errorf("%d requests", len(requests))
			}
		})
	}
}

func TestTheNameThatTwilioGivesACallIsKept(t *testing.T) {
	t.Parallel()
	const id = "RQ0123456789abcdef0123456789abcdef"
	for _, tt := range []struct{ name, said, want string }{{"as it is", id, id}, {"but nothing else", "+14155552671 <b>", ""}, {"none", "", ""}} {
		for _, status := range []int{201, 400, 503} {
			baseURL, _ := fakeTwilio(t, reply(status, created, "Twilio-Request-Id: "+tt.said))
			if got := open(t, twilio.Config{BaseURL: baseURL}).Send(t.Context(), text); got.HTTPStatus != status || got.ProviderRequestID != tt.want {
				t.Errorf("%s: %d, %q", tt.name, got.HTTPStatus, got.ProviderRequestID)
			}
		}
	}
}

func TestConnectionsAreUsedAgainWhateverWasAnswered(t *testing.T) {
	t.Parallel()
	connections := make(chan string, 10)
	baseURL, _ := fakeTwilio(t, func(w http.ResponseWriter, r *http.Request) {
		connections <- r.RemoteAddr
		reply(503, html)(w, r)
	})
	provider := open(t, twilio.Config{BaseURL: baseURL})
	for range 3 {
		provider.Send(t.Context(), text)
	}
	first, second, third := <-connections, <-connections, <-connections
	if second != first || third != first {
		t.Error("an answer's body was not closed: each call took a new connection")
	}
}
