package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
)

func TestThePhoneShowsTextsAndWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	if a := b.do(http.MethodGet, "/", "", ""); !strings.Contains(a.body, "No texts yet") {
		t.Errorf("before the first text: %s", a.body)
	}
	b.sid("Body", `<script>alert("x")</script> & 👍`)
	b.sid("To", sandbox.ToFiltered, "Body", "spam")
	b.finished()
	a := b.do(http.MethodGet, "/", "", "")
	for _, want := range []string{
		"&lt;script&gt;", "👍", "&#43;14155550100", "✓✓", "✗", "failed 30007", "2 texts accepted",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if strings.Contains(a.body, "<script>alert") {
		t.Error("a body's markup is live")
	}
	if strings.Contains(a.body, "<form") {
		t.Error("there is a reply form without anywhere to send it")
	}
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
}

func TestThePhoneBringsItsOwnFiles(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	page := b.do(http.MethodGet, "/", "", "").body
	for path, kind := range map[string]string{"/_sandbox/phone.css": "text/css", "/_sandbox/phone.js": "text/javascript"} {
		a := b.do(http.MethodGet, path, "", "")
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || !strings.Contains(page, path) {
			t.Errorf("%s: status %d, %s", path, a.status, a.header.Get("Content-Type"))
		}
		if strings.Contains(a.body, "http://") || strings.Contains(a.body, "https://") {
			t.Errorf("%s names something outside", path)
		}
	}
	if strings.Contains(page, "style=") || strings.Contains(page, "onclick") || strings.Contains(page, "//") {
		t.Error("the page has inline code or something from outside")
	}
}

func TestThePhoneAnswers(t *testing.T) {
	t.Parallel()
	base, seen := receive(t, 200, 403)
	b := open(t, sandbox.Config{InboundURL: base + "/inbound"})
	if !strings.Contains(b.do(http.MethodGet, "/", "", "").body, "<form") {
		t.Error("there is no reply form")
	}
	const form = "application/x-www-form-urlencoded"
	reply := url.Values{"from": {"+14155550100"}, "to": {sandbox.DefaultFrom}, "body": {"STOP"}}.Encode()
	if a := b.do(http.MethodPost, "/_sandbox/inbound", form, reply); a.status != 200 {
		t.Errorf("status %d: %s", a.status, a.body) // after the redirect back to the page
	}
	got := arrived(t, seen, 1)[0]
	in, err := twilio.ParseInbound([]byte(got.form.Encode()))
	if err != nil || !got.signed || string(in.Text.Body) != "STOP" || string(in.Text.From) != "+14155550100" {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := b.Inbound(t.Context(), "+14155550100", sandbox.DefaultFrom, "again"); err == nil {
		t.Error("the other side refused, and there is no error")
	}
	if a := b.do(http.MethodPost, "/_sandbox/inbound", form, "from=x"); a.status != 400 {
		t.Errorf("without a recipient: status %d", a.status)
	}
	if err := open(t, sandbox.Config{}).Inbound(t.Context(), "a", "b", "c"); err == nil {
		t.Error("there is nowhere to send it, and no error")
	}
}

func TestOtherSitesCannotMakeThePhoneAnswer(t *testing.T) {
	t.Parallel()
	base, seen := receive(t)
	b := open(t, sandbox.Config{InboundURL: base})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/_sandbox/inbound", strings.NewReader("from=a&to=b"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(seen) > 0 {
		t.Errorf("status %d", resp.StatusCode)
	}
}
