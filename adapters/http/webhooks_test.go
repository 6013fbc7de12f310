package api_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
)

const twilioToken = "12345"

// webhooks is what cmd wires up.
var webhooks = api.Twilio{
	Verify: func(url string, body []byte, signature string) bool {
		return twilio.VerifySignature([]string{twilioToken}, url, body, signature)
	},
	ParseStatus: twilio.ParseStatus,
	ParseInbound: func(body []byte) (commands.Inbound, error) {
		in, err := twilio.ParseInbound(body)
		return commands.Inbound{Text: in.Text, Provider: "twilio", OptOutType: in.OptOutType, Answered: in.Answered}, err
	},
}

const (
	sid       = "SM0123456789abcdef0123456789abcdef"
	delivered = "MessageSid=" + sid + "&MessageStatus=delivered&To=%2B14155552671&From=%2B15005550006"
)

// callBack posts a status callback as Twilio does, signed for the public URL.
func (w *world) callBack(query, body string) answer {
	w.t.Helper()
	return w.postForm("/webhooks/twilio/status"+query, body, sign(w.t, "https://sms.example.com/webhooks/twilio/status"+query, body))
}

func (w *world) postForm(path, body, signature string) answer {
	w.t.Helper()
	return w.do("POST", path, body, "Authorization:", "Content-Type: application/x-www-form-urlencoded", "X-Twilio-Signature: "+signature)
}

// sign signs as https://www.twilio.com/docs/usage/security describes.
func sign(t *testing.T, signedURL, body string) string {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, []byte(twilioToken))
	_, _ = io.WriteString(mac, signedURL)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(mac, name+form.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func withTwilio(s *api.Server) { s.Twilio = webhooks }

// dispatched returns a message that Twilio has taken.
func (w *world) dispatched() string {
	w.t.Helper()
	id := w.accept(text())
	w.happen(id,
		events.MessageAttempted{Attempt: 1, AttemptID: "x", Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: sid})
	return id
}

func TestASignedReceiptIsRecordedOnce(t *testing.T) {
	w := newWorld(t, withTwilio)
	id := w.dispatched()
	for range 3 {
		if a := w.callBack("?m="+id+"&a=1", delivered); a.status != http.StatusNoContent || a.body != "" {
			t.Fatalf("answer %d %s", a.status, a.body)
		}
	}
	timeline := w.timeline(id, "")
	last := timeline[3]
	if last.Type != "message.delivered" || last.Meta.Actor != "provider:twilio" {
		t.Errorf("recorded %s by %s", last.Type, last.Meta.Actor)
	}
	// A late repeat is noted, but only once.
	if len(timeline) > 5 {
		t.Errorf("%d events", len(timeline))
	}
}

func TestAReceiptWithoutAnAttemptCountsForTheMessageItFits(t *testing.T) {
	w := newWorld(t, withTwilio)
	id := w.dispatched()
	if a := w.callBack("?m="+id, delivered); a.status != http.StatusNoContent {
		t.Fatalf("answer %d", a.status)
	}
	if last := w.timeline(id, "")[3]; last.Type != "message.delivered" {
		t.Errorf("recorded %s", last.Type)
	}
}

func TestAForgedReceiptIsRefused(t *testing.T) {
	w := newWorld(t, withTwilio)
	id := w.dispatched()
	before := w.head()
	good := sign(t, "https://sms.example.com/webhooks/twilio/status?m="+id+"&a=1", delivered)
	for name, a := range map[string]answer{
		"no signature":     w.postForm("/webhooks/twilio/status?m="+id+"&a=1", delivered, ""),
		"another query":    w.postForm("/webhooks/twilio/status?m="+id+"&a=2", delivered, good),
		"another body":     w.postForm("/webhooks/twilio/status?m="+id+"&a=1", delivered+"x", good),
		"another host":     w.postForm("/webhooks/twilio/status?m="+id+"&a=1", delivered, sign(t, w.url+"/webhooks/twilio/status?m="+id+"&a=1", delivered)),
		"inbound, forged":  w.postForm("/webhooks/twilio/inbound", "Body=x", good),
		"no form whatever": w.postForm("/webhooks/twilio/status", "%zz;", good),
	} {
		if a.status != http.StatusForbidden || a.problem(t).Code != "invalid_signature" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if w.head() != before {
		t.Error("something was stored")
	}
}

func TestAReceiptForAnUnknownMessageIsTakenAndLoggedByID(t *testing.T) {
	w := newWorld(t, withTwilio)
	for query, logged := range map[string]string{
		"?m=msg_0123&a=1":     "message=msg_0123",
		"?a=1":                "message=malformed",
		"?m=%2B14155552671":   "message=malformed",
		"?m=consent_0123&a=1": "message=consent_0123",
	} {
		if a := w.callBack(query, delivered); a.status != http.StatusNoContent {
			t.Errorf("%s: %d", query, a.status)
		}
		if !strings.Contains(w.log(), logged) {
			t.Errorf("%s is not logged as %s", query, logged)
		}
	}
	if strings.Contains(w.log(), "4155552671") {
		t.Error("the log has a number")
	}
}

func TestASignedCallbackThatCannotBeReadIsRefused(t *testing.T) {
	w := newWorld(t, withTwilio)
	a := w.callBack("?m=msg_0&a=1", "MessageStatus=delivered")
	if a.status != http.StatusBadRequest || a.problem(t).Code != "malformed_callback" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}

func TestTwilioIsAskedToComeAgainWhileTheStoreIsDown(t *testing.T) {
	w := newWorld(t, withTwilio)
	id := w.dispatched()
	w.store.down.Store(true)
	if a := w.callBack("?m="+id+"&a=1", delivered); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("answer %d", a.status)
	}
}

func TestWithoutTwilioThereAreNoWebhooks(t *testing.T) {
	w := newWorld(t)
	if a := w.callBack("?m=msg_0&a=1", delivered); a.status != http.StatusNotFound {
		t.Errorf("answer %d", a.status)
	}
}
