package twilio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

func TestWhatTwilioAnswersToARedaction(t *testing.T) {
	t.Parallel()
	sid := sidOf(1)
	for _, tt := range []struct {
		name, what, reply string
		status            int
		want              ports.Redaction
	}{
		{"the body is gone", domain.RedactBody, `{"sid":"` + sid + `","body":""}`, 200, ports.Redaction{Done: true, HTTPStatus: 200}},
		{"the record is gone", domain.RedactRecord, ``, 204, ports.Redaction{Done: true, HTTPStatus: 204}},
		{"it was gone already", domain.RedactRecord, `{"code":20404}`, 404, ports.Redaction{Done: true, HTTPStatus: 404}},
		{"the body is still there", domain.RedactBody, `{"sid":"` + sid + `","body":"x"}`, 200, ports.Redaction{HTTPStatus: 200, Detail: "the answer does not say that the body is gone"}},
		{"an answer that says nothing of it", domain.RedactBody, `{}`, 200, ports.Redaction{HTTPStatus: 200, Detail: "the answer does not say that the body is gone"}},
		{"no JSON", domain.RedactBody, `<html>`, 200, ports.Redaction{HTTPStatus: 200, Detail: "unreadable answer"}},
		{"not final", domain.RedactRecord, `{"code":20009}`, 409, ports.Redaction{HTTPStatus: 409, Code: "20009", Detail: "refused"}},
		{"wrong credentials", domain.RedactBody, `{"code":20003}`, 401, ports.Redaction{HTTPStatus: 401, Code: "20003", Detail: "refused"}},
		{"a server error", domain.RedactRecord, `oops`, 503, ports.Redaction{HTTPStatus: 503, Detail: "refused"}},
		{"elsewhere", domain.RedactRecord, ``, 302, ports.Redaction{HTTPStatus: 302, Detail: "refused"}},
		{"nothing of the kind", "number", ``, 200, ports.Redaction{Detail: "Twilio has nothing of that kind"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				method := map[string]string{domain.RedactBody: http.MethodPost, domain.RedactRecord: http.MethodDelete}[tt.what]
				if r.Method != method || !strings.HasSuffix(r.URL.Path, "/Messages/"+sid+".json") {
					t.Errorf("asked %s %s", r.Method, r.URL.Path)
				}
				if body, given := r.PostFormValue("Body"), r.PostForm.Has("Body"); method == http.MethodPost && (body != "" || !given || len(r.PostForm) != 1) {
					t.Errorf("asked with %d parameters", len(r.PostForm))
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.reply))
			}))
			defer server.Close()
			provider := openProvider(t, twilio.Config{BaseURL: server.URL, From: sandbox.DefaultFrom})
			if got := provider.Redact(t.Context(), sid, tt.what); got != tt.want {
				t.Errorf("Redact = %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := openProvider(t, twilio.Config{BaseURL: closedPort(t), From: sandbox.DefaultFrom}).Redact(t.Context(), sid, domain.RedactBody); got.Done || got.HTTPStatus != 0 || got.Detail == "" {
		t.Errorf("nobody listens: %+v", got)
	}
	if got := openProvider(t, twilio.Config{BaseURL: closedPort(t), From: sandbox.DefaultFrom}).Redact(t.Context(), "../Calls", domain.RedactRecord); got.Done || got.Detail != "not the SID of a message" {
		t.Errorf("a strange id: %+v", got)
	}
}
