package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
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
	a := b.do(http.MethodGet, "/?n=%2B14155550100", "", "")
	a.body += b.do(http.MethodGet, "/?n="+url.QueryEscape(sandbox.ToFiltered), "", "").body
	for _, want := range []string{
		"&lt;script&gt;", "👍", "&#43;14155550100", "✓✓", "✗", "failed 30007", "<dt>accepted</dt><dd>2</dd>",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if strings.Contains(a.body, "<script>alert") {
		t.Error("a body's markup is live")
	}
	if strings.Contains(a.body, "/_sandbox/inbound") {
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
	if !strings.Contains(b.do(http.MethodGet, "/", "", "").body, `action="/_sandbox/inbound"`) {
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

func TestThePhoneShowsWhatItAnsweredAndWhetherThatWasTaken(t *testing.T) {
	t.Parallel()
	base, seen := receive(t, 200, 403)
	b := open(t, sandbox.Config{InboundURL: base})
	const form = "application/x-www-form-urlencoded"
	for _, body := range []string{"first answer", "second answer"} {
		b.do(http.MethodPost, "/_sandbox/inbound", form, url.Values{"n": {"+14155550100"}, "from": {"+14155550100"}, "to": {sandbox.DefaultFrom}, "body": {body}}.Encode())
	}
	arrived(t, seen, 2)
	a := b.do(http.MethodGet, "/?n=%2B14155550100", "", "")
	for _, want := range []string{"first answer", "second answer", "status 403"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the phone does not show %q", want)
		}
	}
	if other := b.do(http.MethodGet, "/?n=%2B14155550101", "", ""); strings.Contains(other.body, "first answer") {
		t.Error("another phone shows the answer")
	}
}

func TestTheWeatherIsAScript(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		weather string
		status  int
		want    sandbox.Action
		faults  int
	}{
		{"lost", 200, sandbox.Drop, 1}, {"away", 200, sandbox.Offline, 1}, {"receipts", 200, sandbox.Normally, 1},
		{"nonsense", 400, sandbox.Normally, 1}, {"fair", 200, "", 0},
	} {
		if a := b.do(http.MethodPost, "/_sandbox/weather", form, "weather="+tt.weather); a.status != tt.status {
			t.Errorf("%s: status %d", tt.weather, a.status)
		}
		faults := b.Faults()
		if len(faults) != tt.faults || len(faults) > 0 && faults[0].Do != tt.want {
			t.Errorf("%s: %+v", tt.weather, faults)
		}
	}
	if err := b.Script(sandbox.Fault{Do: sandbox.Junk}); err != nil {
		t.Fatal(err)
	}
	if a := b.do(http.MethodGet, "/", "", ""); !strings.Contains(a.body, "Misbehaving as scripted") {
		t.Error("a script of somebody's is not shown")
	}
}

func TestTheTallyHoldsTheLedgerAgainstTheSendersRecords(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	b.sid("Body", "one", "StatusCallback", "http://127.0.0.1:1/status?m=msg_1&a=1")
	b.sid("Body", "one again", "StatusCallback", "http://127.0.0.1:1/status?m=msg_1&a=2")
	if got, want := b.Tally(t.Context()), (sandbox.Tally{Accepted: 1, Doubled: 1, All: true}); got != want {
		t.Errorf("without records to compare with: %+v, want %+v", got, want)
	}
	for _, tt := range []struct {
		said         sandbox.Records
		lost, unsent int64
	}{
		{sandbox.Records{Accepted: 3, Open: 2, Sent: 1}, 0, 0}, {sandbox.Records{Accepted: 3, Sent: 3}, 2, 0},
		{sandbox.Records{Accepted: 5, Open: 1, Sent: 1}, 0, 3}, // given up, opted out, called off
		{sandbox.Records{Accepted: 2, Sent: 1, Missing: 1}, 1, 0},
	} {
		b.Compare(func(context.Context) (sandbox.Records, error) { return tt.said, nil })
		want := sandbox.Tally{Accepted: tt.said.Accepted, Open: tt.said.Open, Unsent: tt.unsent, Lost: tt.lost, Doubled: 1, Compared: true, All: true}
		if got := b.Tally(t.Context()); got != want {
			t.Errorf("the sender says %+v: %+v, want %+v", tt.said, got, want)
		}
	}
	var told sandbox.Tally
	if err := json.Unmarshal([]byte(b.do(http.MethodGet, "/_sandbox/tally", "", "").body), &told); err != nil || told.Lost != 1 {
		t.Errorf("told %+v, %v", told, err)
	}
}

func TestThePhoneFollowsChanges(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/_sandbox/changes", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return "the end"
	}
	if got := next(); got != "first" {
		t.Errorf("first: %s", got)
	}
	b.sid("Body", "hello")
	if got := next(); got != "more" {
		t.Errorf("after a text: %s", got)
	}
	b.Changed() // while the page is given time to draw what came before
	if got := next(); got != "more" {
		t.Errorf("after a change soon afterwards: %s", got)
	}
}

func TestThePhoneLeadsToWhatTheSenderKnows(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{AdminURL: "http://admin.example"})
	sid := b.sid("Body", "one")
	page := b.do(http.MethodGet, "/", "", "").body
	for _, want := range []string{`href="http://admin.example"`, `href="http://admin.example/messages?q=` + sid + `"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if page := open(t, sandbox.Config{}).do(http.MethodGet, "/", "", "").body; strings.Contains(page, "What Pro-SMS knows") {
		t.Error("there is a link without pages")
	}
}
