package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
)

const inboundPath = "/webhooks/twilio/inbound"

// textUs posts a text from a phone as Twilio does, signed for the public URL. No
// two calls are about the same text.
func (w *world) textUs(from, body string, more ...string) answer {
	w.t.Helper()
	w.texts++
	form := url.Values{"MessageSid": {"SM" + strings.Repeat("0", 30) + string(rune('a'+w.texts/6)) + string(rune('a'+w.texts%6))}}
	form.Set("From", from)
	form.Set("To", ourNumber)
	form.Set("Body", body)
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return w.deliver(form.Encode())
}

// deliver posts an inbound report, which must be taken.
func (w *world) deliver(body string) answer {
	w.t.Helper()
	a := w.postForm(inboundPath, body, sign(w.t, "https://sms.example.com"+inboundPath, body))
	if a.status != http.StatusOK || a.body != `<?xml version="1.0" encoding="UTF-8"?><Response/>` || !strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		w.t.Fatalf("answer %d %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return a
}

// consentOf returns the consent of a number as the API shows it; nil for none.
func (w *world) consentOf(number string, headers ...string) map[string]any {
	w.t.Helper()
	a := w.do("GET", "/v1/opt-outs/"+number, "", headers...)
	if a.status == http.StatusNotFound {
		return nil
	}
	if a.status != http.StatusOK {
		w.t.Fatalf("answer %d %s", a.status, a.body)
	}
	return a.decode(w.t)
}

func (w *world) as(key string) string { return "Authorization: Bearer " + key }

// The signature is a known one, of the token and URL that the tests have.
func TestAnInboundTextWithAKnownSignatureIsTaken(t *testing.T) {
	const body = "Body=Stop++please%21+%F0%9F%91%8D&From=%2B14155552671&FromCity=&MessageSid=SM0123456789abcdef0123456789abcdef&To=%2B15005550006"
	w := newWorld(t, withTwilio)
	w.accept(text())
	for range 3 {
		a := w.postForm(inboundPath, body, "uWWL2fbduEcuW3G4gzeuuzw/IBw=")
		if a.status != http.StatusOK {
			t.Fatalf("answer %d %s", a.status, a.body)
		}
	}
	got := w.consentOf(number)
	if got["opted_out"] != true || got["source"] != "text" || got["keyword"] != "STOP" || len(got["history"].([]any)) != 1 {
		t.Errorf("consent %v", got)
	}
	w.catchUp()
	list := w.do("GET", "/v1/inbound", "").decode(t)["data"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["body"] != "Stop  please! 👍" || list[0].(map[string]any)["from"] != number {
		t.Errorf("received %v", list)
	}
	if strings.Contains(w.log(), "4155552671") || strings.Contains(w.log(), "please") {
		t.Error("the log says who wrote what")
	}
}

func TestAForgedInboundTextIsRefusedAndChangesNothing(t *testing.T) {
	w := newWorld(t, withTwilio)
	w.accept(text())
	before := w.head()
	body := "Body=STOP&From=%2B14155552671&MessageSid=" + sid + "&To=%2B15005550006"
	good := sign(t, "https://sms.example.com"+inboundPath, body)
	for name, a := range map[string]answer{
		"no signature":   w.postForm(inboundPath, body, ""),
		"another body":   w.postForm(inboundPath, body+"&X=1", good),
		"another query":  w.postForm(inboundPath+"?x=1", body, good),
		"another route":  w.postForm(inboundPath, body, sign(t, "https://sms.example.com/webhooks/twilio/status", body)),
		"another sender": w.postForm(inboundPath, strings.Replace(body, "2671", "2672", 1), good),
	} {
		if a.status != http.StatusForbidden || a.problem(t).Code != "invalid_signature" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if w.head() != before {
		t.Error("something was stored")
	}
	unreadable := "Body=STOP&From=%2B14155552671"
	a := w.postForm(inboundPath, unreadable, sign(t, "https://sms.example.com"+inboundPath, unreadable))
	if a.status != http.StatusBadRequest || a.problem(t).Code != "malformed_callback" {
		t.Errorf("without an id: %d %s", a.status, a.body)
	}
}

func TestTwilioIsAskedToBringATextAgainWhileTheStoreIsDown(t *testing.T) {
	w := newWorld(t, withTwilio)
	w.store.down.Store(true)
	body := "Body=STOP&From=%2B14155552671&MessageSid=" + sid + "&To=%2B15005550006"
	a := w.postForm(inboundPath, body, sign(t, "https://sms.example.com"+inboundPath, body))
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("answer %d", a.status)
	}
	w.store.down.Store(false)
	w.deliver(body)
	if got := w.consentOf(number); got["opted_out"] != true {
		t.Errorf("consent %v", got)
	}
}

func TestAnOptOutByTextHoldsForTheTenantsThatTextedItsSender(t *testing.T) {
	w := newWorld(t, withTwilio)
	other, stranger := w.newKey("other", domain.ScopeAdmin), w.newKey("stranger", domain.ScopeAdmin)
	w.accept(text())                                     // from the default sender, which is our number
	w.accept(text(`"from":"+15005550006"`), w.as(other)) // from it by name
	w.accept(text(`"from":"72345"`), w.as(stranger))     // from another
	w.textUs(number, "stop")
	for key, want := range map[string]bool{w.key: true, other: true, stranger: false} {
		if got := w.consentOf(number, w.as(key)); (got["opted_out"] == true) != want {
			t.Errorf("consent %v, want opted out: %v", got, want)
		}
	}
	w.catchUp()
	for key, want := range map[string]int{w.key: 1, other: 1, stranger: 0} {
		if got := w.do("GET", "/v1/inbound", "", w.as(key)).decode(t)["data"].([]any); len(got) != want {
			t.Errorf("received %v, want %d", got, want)
		}
		if got := w.do("GET", "/v1/opt-outs", "", w.as(key)).decode(t)["data"].([]any); len(got) != want {
			t.Errorf("listed %v, want %d", got, want)
		}
	}
	w.textUs(number, "START")
	if got := w.consentOf(number, w.as(other)); got["opted_out"] != false || len(got["history"].([]any)) != 2 {
		t.Errorf("after START: %v", got)
	}
}

func TestAnOptOutThatCouldBeAnybodysHoldsTowardsEveryTenant(t *testing.T) {
	w := newWorld(t, withTwilio)
	other := w.newKey("other", domain.ScopeAdmin)
	w.textUs(number, "STOP")
	for _, key := range []string{w.key, other} {
		if got := w.consentOf(number, w.as(key)); got["opted_out"] != true {
			t.Errorf("consent %v", got)
		}
		preview := w.do("POST", "/v1/messages/preview", text(), w.as(key)).decode(t)
		if preview["opted_out"] != true {
			t.Errorf("preview %v", preview)
		}
	}
	// No tenant can lift it for itself, and the answer says so.
	if a := w.do("DELETE", "/v1/opt-outs/"+number, ""); a.status != http.StatusOK || a.decode(t)["opted_out"] != true {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	w.catchUp()
	for _, path := range []string{"/v1/opt-outs", "/v1/inbound"} {
		if got := w.do("GET", path, "").decode(t)["data"].([]any); len(got) != 0 {
			t.Errorf("%s shows a tenant %v", path, got)
		}
	}
	w.accept(text()) // now there is a tenant for the next text
	w.textUs(number, "START")
	if got := w.consentOf(number, w.as(other)); got["opted_out"] != false {
		t.Errorf("after START: %v", got)
	}
}

func TestATextThatNobodyHasAskedForIsTheDefaultTenants(t *testing.T) {
	w := newWorld(t, withTwilio)
	w.commands.DefaultTenant = "acme"
	w.textUs(number, "STOP")
	w.textUs("72345", "STOP") // nothing can be sent there
	if got := w.consentOf(number); got["opted_out"] != true {
		t.Errorf("consent %v", got)
	}
	if got := w.consentOf(number, w.as(w.newKey("other", domain.ScopeAdmin))); got != nil {
		t.Errorf("another tenant's consent %v", got)
	}
	w.catchUp()
	if got := w.do("GET", "/v1/inbound?limit=1", "").decode(t); len(got["data"].([]any)) != 1 || got["next_cursor"] == nil {
		t.Errorf("received %v", got)
	} else if got := w.do("GET", "/v1/inbound?cursor="+got["next_cursor"].(string), "").decode(t); len(got["data"].([]any)) != 1 || got["next_cursor"] != nil {
		t.Errorf("received then %v", got)
	}
}

func TestWhatATextSaysAboutConsent(t *testing.T) {
	for _, tt := range []struct {
		name            string
		texts           []string // body, or "API"
		optOutType      string   // of the last
		out             bool
		source, keyword any
	}{
		{"a keyword", []string{"Arret!"}, "", true, "keyword", "ARRÊT"},
		{"free text", []string{"take me off your list"}, "", true, "text", "TAKE ME OFF"},
		{"Twilio's own list", []string{"genug"}, "STOP", true, "keyword", "STOP"},
		{"Twilio has acted on free text", []string{"stop it please"}, "STOP", true, "keyword", "STOP"},
		{"we and Twilio disagree: stopping wins", []string{"stop"}, "START", true, "keyword", "STOP"},
		{"START after STOP", []string{"STOP", "start"}, "", false, "keyword", "START"},
		{"YES after STOP", []string{"STOP", "yes"}, "", false, "keyword", "YES"},
		{"YES after free text", []string{"wrong number", "yes"}, "", true, "text", "WRONG NUMBER"},
		{"UNSTOP after free text", []string{"wrong number", "unstop"}, "", false, "keyword", "UNSTOP"},
		{"START after the tenant's word", []string{"API", "START"}, "", true, "api", nil},
		{"Twilio opts in", []string{"STOP", "weiter"}, "START", false, "keyword", "START"},
		{"HELP changes nothing", []string{"STOP", "HELP"}, "HELP", true, "keyword", "STOP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, withTwilio)
			w.accept(text())
			for i, body := range tt.texts {
				if body == "API" {
					w.do("PUT", "/v1/opt-outs/"+number, "")
					continue
				}
				optOutType := ""
				if i == len(tt.texts)-1 {
					optOutType = tt.optOutType
				}
				w.textUs(number, body, "OptOutType", optOutType)
			}
			if got := w.consentOf(number); got["opted_out"] != tt.out || got["source"] != tt.source || got["keyword"] != tt.keyword {
				t.Errorf("consent %v", got)
			}
		})
	}
	w := newWorld(t, withTwilio)
	w.accept(text())
	for _, body := range []string{"yes", "START", "what time?", "help", ""} {
		w.textUs(number, body)
	}
	if got := w.consentOf(number); got != nil {
		t.Errorf("consent %v of somebody who never opted out", got)
	}
}

func TestOptOutsByTheAPI(t *testing.T) {
	w := newWorld(t)
	if got := w.consentOf(number); got != nil {
		t.Fatalf("consent %v before anything was said", got)
	}
	for range 2 {
		a := w.do("PUT", "/v1/opt-outs/+1%20(415)%20555-2671", "")
		got := a.decode(t)
		if a.status != http.StatusOK || got["number"] != number || got["opted_out"] != true || got["source"] != "api" || len(got["history"].([]any)) != 1 {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	}
	w.do("PUT", "/v1/opt-outs/"+another, "")
	w.catchUp()
	first := w.do("GET", "/v1/opt-outs?limit=1&source=api", "").decode(t)
	if data := first["data"].([]any); len(data) != 1 || data[0].(map[string]any)["number"] != another {
		t.Errorf("listed %v, want the latest first", first)
	}
	second := w.do("GET", "/v1/opt-outs?cursor="+first["next_cursor"].(string), "").decode(t)
	if data := second["data"].([]any); len(data) != 1 || data[0].(map[string]any)["number"] != number || second["next_cursor"] != nil {
		t.Errorf("listed then %v", second)
	}
	if got := w.do("GET", "/v1/opt-outs?source=text", "").decode(t)["data"].([]any); len(got) != 0 {
		t.Errorf("by text: %v", got)
	}
	a := w.do("DELETE", "/v1/opt-outs/"+number, "")
	if got := a.decode(t); a.status != http.StatusOK || got["opted_out"] != false || len(got["history"].([]any)) != 2 {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	w.catchUp()
	if got := w.do("GET", "/v1/opt-outs", "").decode(t)["data"].([]any); len(got) != 1 {
		t.Errorf("listed %v, which is no longer opted out", got)
	}
	if a := w.do("DELETE", "/v1/opt-outs/+447400123456", ""); a.status != http.StatusNotFound {
		t.Errorf("of a number that nothing is known of: %d", a.status)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		a := w.do(method, "/v1/opt-outs/+1415", "")
		p := a.problem(t)
		if a.status != http.StatusUnprocessableEntity || p.Code != "invalid_number" || p.Errors[0].In != "path" || strings.Contains(a.body, "1415") {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	if a := w.do("GET", "/v1/opt-outs?source=rumour", ""); a.status != http.StatusBadRequest {
		t.Errorf("an unknown source: %d", a.status)
	}
}

func TestAnOptedOutTextIsAcceptedAndConsentIsTheTenantsOwn(t *testing.T) {
	w := newWorld(t)
	w.do("PUT", "/v1/opt-outs/"+number, "")
	w.accept(text())
	if got := w.consentOf(number, w.as(w.newKey("other", domain.ScopeAdmin))); got != nil {
		t.Errorf("another tenant sees %v", got)
	}
}
