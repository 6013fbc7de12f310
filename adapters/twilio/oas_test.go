package twilio_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// checker is a sandbox whose conversations are held to Twilio's description of
// its API.
type checker struct {
	t    *testing.T
	next http.Handler
	doc  *openapi3.T
	seen chan string // operations that were checked
}

func newChecker(t *testing.T, next http.Handler) *checker {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/messages-oas.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	return &checker{t: t, next: next, doc: doc, seen: make(chan string, 1000)}
}

func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, params := c.route(r)
	if route.Operation == nil {
		c.t.Errorf("%s %s is not in the description", r.Method, r.URL.Path)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	asked := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
		},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), asked); err != nil {
		c.t.Errorf("request: %v", err)
	}
	c.checkNames(route, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	c.next.ServeHTTP(recorder, r)
	answer := recorder.Result()
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: answer.StatusCode, Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(recorder.Body.Bytes())), Options: asked.Options,
	})
	if err != nil {
		c.t.Errorf("answer of %s: %v", route.Operation.OperationID, err)
	}
	c.seen <- route.Operation.OperationID
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(recorder.Body.Bytes())
}

// messagePaths are the two paths of messages in the description. The routers of
// kin-openapi do not match a parameter that an extension follows.
var messagePaths = regexp.MustCompile(`^/2010-04-01/Accounts/([^/]+)/Messages(?:/([^/]+))?\.json$`)

func (c *checker) route(r *http.Request) (*routers.Route, map[string]string) {
	parts := messagePaths.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return &routers.Route{}, nil
	}
	path, params := "/2010-04-01/Accounts/{AccountSid}/Messages.json", map[string]string{"AccountSid": parts[1]}
	if parts[2] != "" {
		path = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
		params["Sid"] = parts[2]
	}
	item := c.doc.Paths.Value(path)
	return &routers.Route{
		Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method),
	}, params
}

// checkNames holds a form's names to the description, which allows others and so
// would let a misspelt one pass.
func (c *checker) checkNames(route *routers.Route, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || route.Operation.RequestBody == nil {
		return
	}
	schema := route.Operation.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
	for name := range form {
		if schema.Properties[name] == nil {
			c.t.Errorf("%s does not know the parameter %s", route.Operation.OperationID, name)
		}
	}
}

func TestClientAndSandboxSpeakTwiliosAPI(t *testing.T) {
	t.Parallel()
	box, _ := openSandbox(t, sandbox.Config{})
	check := newChecker(t, box.Handler())
	server := httptest.NewServer(check)
	t.Cleanup(server.Close)

	expires := time.Now().Add(time.Hour)
	for _, c := range []twilio.Config{{From: sandbox.DefaultFrom}, {MessagingServiceSID: service}} {
		c.BaseURL, c.PublicURL = server.URL, "http://127.0.0.1:1"
		provider := openProvider(t, c)
		for range 60 { // two pages
			sent := ports.Text{MessageID: "msg_1", Attempt: 1, To: "+14155550100", Body: "Grüße 👍", ExpiresAt: &expires}
			if got := provider.Send(t.Context(), sent); got.Class != domain.ClassSent {
				t.Fatalf("got %+v", got)
			}
		}
		if _, err := provider.Find(t.Context(), ports.Lookup{Text: ports.Text{To: "+14155550100", Body: "Bye"}, AttemptedAt: time.Now()}); err != nil {
			t.Error(err)
		}
	}

	m := box.Ledger(0, 1).Entries[0]
	one := server.URL + "/2010-04-01/Accounts/" + sandbox.DefaultAccountSID + "/Messages/" + m.SID + ".json"
	ask(t, http.MethodGet, one, "", 200)
	canceled := cancelable(t, box)
	other := strings.Replace(one, m.SID, canceled, 1)
	ask(t, http.MethodPost, other, "Status=canceled", 200)
	provider := openProvider(t, twilio.Config{From: sandbox.DefaultFrom, BaseURL: server.URL})
	for _, what := range []string{domain.RedactBody, domain.RedactRecord} {
		if got := provider.Redact(t.Context(), canceled, what); !got.Done {
			t.Errorf("redacting the %s: %+v", what, got)
		}
	}

	operations := map[string]int{}
	for len(check.seen) > 0 {
		operations[<-check.seen]++
	}
	for _, want := range []string{"CreateMessage", "ListMessage", "FetchMessage", "UpdateMessage", "DeleteMessage"} {
		if operations[want] == 0 {
			t.Errorf("%s was never checked", want)
		}
	}
}

// cancelable returns a message that is still queued.
func cancelable(t *testing.T, box *sandbox.Sandbox) string {
	t.Helper()
	hour := events.Duration(time.Hour)
	slow := sandbox.Fault{Callbacks: &sandbox.Callbacks{Delay: &hour}}
	if err := box.Script(slow); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	defer server.Close()
	return openProvider(t, twilio.Config{BaseURL: server.URL}).Send(t.Context(), text).ProviderMessageID
}

// ask makes one call with the sandbox's credentials.
func ask(t *testing.T, method, url, form string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(sandbox.DefaultAccountSID, sandbox.DefaultAuthToken)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("%s %s: status %d, want %d", method, form, resp.StatusCode, want)
	}
}
