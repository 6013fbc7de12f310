package systemtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// What may turn up in the log of events, in views and at the provider, and nowhere
// else. Both are looked for in whatever way they are escaped.
const (
	canaryNumber = "4155550142"
	canaryWord   = "kanarienvogel"
)

// canary is a gateway whose problems are kept.
type canary struct {
	*instance
	problems bytes.Buffer
}

// ask makes a request that is to be refused, and keeps the answer.
func (c *canary) ask(method, path, body string, headers ...string) {
	t := c.rig.t
	t.Helper()
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.rig.key)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode < 400 {
		t.Errorf("%s is answered %d, %v", method, response.StatusCode, err)
	}
	c.problems.Write(answer)
	_ = response.Header.Write(&c.problems)
}

// refused is asked in all the ways that end in a problem.
func (c *canary) refused() {
	const text = `{"to":"+1` + canaryNumber + `","body":"` + canaryWord + `"`
	number := url.QueryEscape("+1" + canaryNumber)
	for _, body := range []string{
		text, text + `,"` + canaryWord + `":1}`, text + `,"` + canaryNumber + `":1}`, text + `,"lane":"` + canaryWord + `"}`,
		text + `,"body":"` + canaryWord + `"}`, `{"to":"tel:+1` + canaryNumber + `","body":"x"}`, `{"to":` + canaryNumber + `,"body":"x"}`,
		text + `,"send_at":"` + canaryWord + `"}`, text + `,"from":"+1` + canaryNumber + ` ext. 7"}`, text + `,"callback_url":"` + canaryWord + `"}`,
		text + `,"metadata":{"` + canaryWord + `":{}}}`, canaryWord,
	} {
		c.ask("POST", "/v1/messages", body)
		c.ask("POST", "/v1/messages/preview", body)
		c.ask("POST", "/v1/messages/batch", `{"messages":[`+body+`],"`+canaryWord+`":1}`)
	}
	c.ask("POST", "/v1/messages", text+"}", "Content-Type", "text/"+canaryWord)
	c.ask("POST", "/v1/messages", `{"to":"`+sandbox.ToDelivered+`","body":"`+canaryWord+` 2"}`, "Idempotency-Key", "canary")
	c.ask("POST", "/v1/keys", `{"scopes":["`+canaryWord+`"]}`)
	for _, path := range []string{
		"/v1/messages/" + canaryWord, "/v1/messages/" + number, "/v1/messages?to=" + number + "x", "/v1/messages?" + canaryWord + "=1",
		"/v1/messages?cursor=" + canaryWord, "/v1/messages?status=" + canaryWord, "/v1/opt-outs/" + number + "x", "/v1/opt-outs/" + number,
		"/v1/events?after=" + canaryWord, "/v1/" + canaryWord, "/" + number, "/v1/replays/" + canaryWord,
	} {
		c.ask("GET", path, "")
	}
	c.ask("POST", "/webhooks/twilio/inbound", "From="+number+"&Body="+canaryWord, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", canaryWord)
	c.ask("POST", "/webhooks/"+canaryWord+"/status", "")
	c.ask(strings.ToUpper(canaryWord), "/v1/messages", "")
	c.ask("GET", "/v1/messages", "", "Authorization", "Bearer psk_live_"+canaryWord+"_"+canaryNumber)
	c.ask("GET", "/v1/events/stream", "", "Last-Event-ID", canaryWord)
}

// send sends the canary, and waits for a status.
func (c *canary) send(faults []sandbox.Fault, status string) {
	t := c.rig.t
	t.Helper()
	c.rig.provider.ClearScript()
	if err := c.rig.provider.Script(faults...); err != nil {
		t.Fatal(err)
	}
	var sent struct{ ID string }
	if code, err := c.call("POST", "/v1/messages", outgoing{To: "+1" + canaryNumber, Body: canaryWord + status + faultName(faults)}, &sent); err != nil || code != http.StatusAccepted {
		t.Fatalf("sending: %d, %v", code, err)
	}
	eventually(t, 30*time.Second, status+" after "+faultName(faults), func() bool { return c.statusOf(sent.ID) == status })
}

func faultName(faults []sandbox.Fault) string {
	if len(faults) == 0 {
		return "nothing"
	}
	return string(faults[0].Do)
}

func (c *canary) get(url string) string {
	c.rig.t.Helper()
	response, err := http.Get(url)
	if err != nil {
		c.rig.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		c.rig.t.Fatalf("%s: %d, %v", url, response.StatusCode, err)
	}
	return string(body)
}

// G9, by hand: whatever becomes of a text, nobody but its recipient reads it.
func TestNumbersAndBodiesAreNowhereButInTheLogOfEvents(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := newReceiver(t)
			rig := newRig(t, full, "PROSMS_PROVIDER_TIMEOUT=1s", "PROSMS_RECONCILE_DELAYS=1s,1s,1s", "PROSMS_RETRY_DELAYS=1s", "PROSMS_MAX_RETRIES=1",
				"OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
			rig.replace("PROSMS_LOG_LEVEL", "debug")
			c := &canary{instance: rig.start()}
			if code, err := c.callWith(http.Header{"Idempotency-Key": {"canary"}}, "POST", "/v1/messages",
				outgoing{To: sandbox.ToDelivered, Body: canaryWord}, nil); err != nil || code != http.StatusAccepted {
				t.Fatalf("sending: %d, %v", code, err)
			}
			c.refused()
			c.send(nil, "delivered")
			for _, last := range []sandbox.Fault{
				{Do: sandbox.Fail, Status: http.StatusBadRequest, Code: 21211},
				{Do: sandbox.Throttle},
			} {
				c.send([]sandbox.Fault{last}, "dead_lettered")
			}
			for _, taken := range []sandbox.Fault{
				{Do: sandbox.Drop, Accept: true}, {Do: sandbox.Hang, Accept: true}, {Do: sandbox.Junk, Accept: true},
				{Do: sandbox.Fail, Accept: true},
			} {
				c.send([]sandbox.Fault{taken}, "delivered")
			}
			// A look-up whose connection is cut has the number in its URL.
			c.send([]sandbox.Fault{{Do: sandbox.Drop}}, "in_doubt")
			if err := rig.provider.Script(sandbox.Fault{Do: sandbox.Offline}); err != nil {
				t.Fatal(err)
			}
			eventually(t, 30*time.Second, "looked up in vain", func() bool { return strings.Contains(c.output.String(), "looking up") })
			phone, err := sandbox.New(sandbox.Config{AuthToken: rigToken, InboundURL: c.url + "/webhooks/twilio/inbound"})
			if err != nil {
				t.Fatal(err)
			}
			defer phone.Close()
			for _, body := range []string{canaryWord, "stop texting me " + canaryWord, "STOP"} {
				if err := phone.Inbound(context.Background(), "+1"+canaryNumber, sandbox.DefaultFrom, body); err != nil {
					t.Fatal(err)
				}
			}
			exposed := map[string]string{
				"the problems": c.problems.String(), "the metrics": c.get(c.admin + "/metrics"), "the health": c.get(c.url + "/readyz"),
				"the goroutines": c.get(c.admin + "/debug/pprof/goroutine?debug=2"), "the command line": c.get(c.admin + "/debug/pprof/cmdline"),
			}
			c.stop()
			exposed["the logs"] = c.output.String()
			spans.mu.Lock()
			exposed["the traces"] = spans.raw.String()
			spans.mu.Unlock()
			for where, shown := range exposed {
				if len(shown) == 0 {
					t.Errorf("%s are empty", where)
				}
				for _, mark := range []string{canaryNumber, canaryWord} {
					if at := strings.Index(strings.ToLower(shown), mark); at >= 0 {
						t.Errorf("%s show %s:\n…%s…", where, mark, shown[max(0, at-300):min(len(shown), at+100)])
					}
				}
			}
		})
	}
}
