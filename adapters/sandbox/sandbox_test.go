package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const messages = "/2010-04-01/Accounts/" + sandbox.DefaultAccountSID + "/Messages"

// box is a sandbox on a real socket.
type box struct {
	*sandbox.Sandbox
	t      *testing.T
	url    string
	client *http.Client
}

func open(t *testing.T, c sandbox.Config) box {
	t.Helper()
	s, err := sandbox.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, s)
}

// serve serves s until the test ends, and closes it, if it is open still.
func serve(t *testing.T, s *sandbox.Sandbox) box {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return box{s, t, server.URL, server.Client()}
}

// answer is what a call came to; status 0 means that the connection was cut.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a call with the account's credentials.
func (b box) do(method, path, contentType, body string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth(sandbox.DefaultAccountSID, sandbox.DefaultAuthToken)
	req.Header.Set("Content-Type", contentType)
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// text returns the form of a create, changed by pairs; an empty value removes.
func text(pairs ...string) url.Values {
	form := url.Values{"To": {"+14155550100"}, "From": {sandbox.DefaultFrom}, "Body": {"Hello"}}
	for i := 0; i < len(pairs); i += 2 {
		if form.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func (b box) create(pairs ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, messages+".json", "application/x-www-form-urlencoded", text(pairs...).Encode())
}

// sid creates a text that is expected to succeed.
func (b box) sid(pairs ...string) string {
	b.t.Helper()
	a := b.create(pairs...)
	if a.status != http.StatusCreated {
		b.t.Fatalf("status %d: %s", a.status, a.body)
	}
	return field[string](b.t, a, "sid")
}

func (b box) script(faults ...sandbox.Fault) {
	b.t.Helper()
	if err := b.Script(faults...); err != nil {
		b.t.Fatal(err)
	}
}

// field returns a field of a JSON object.
func field[T any](t *testing.T, a answer, name string) T {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatalf("decoding %q: %v", a.body, err)
	}
	v, ok := doc[name].(T)
	if !ok {
		t.Fatalf("%s is %v", name, doc[name])
	}
	return v
}
