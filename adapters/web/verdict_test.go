package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestATextSaysWhyItDidNotArriveAndWhatToDo(t *testing.T) {
	w := newWorld(t, func(u *UI) {
		u.Meaning = func(provider, code string) string {
			return map[string]string{"twilio 30003": "handset off/no signal"}[provider+" "+code]
		}
	})
	admin := w.admin()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	later := time.Date(2099, 11, 25, 12, 0, 0, 0, time.UTC)
	claimed := events.MessageAttempted{Attempt: 1, Provider: "twilio"}
	sent := events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"}
	refused := events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "permanent", Code: "21614", Detail: "not a mobile number"}
	doubt := events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"}
	for _, tt := range []struct {
		id     string
		events []events.Event
		says   []string // none: it is said nothing
	}{
		{"msg_arrived", []events.Event{claimed, sent, events.MessageDelivered{ProviderStatus: "delivered", At: at}}, nil},
		{"msg_waits", nil, []string{"it waits for its turn"}},
		{"msg_quiet", []events.Event{events.MessageDeferred{Until: later, Reason: "quiet_hours"}},
			[]string{"it waits until " + moment(later) + ", as the recipient may not be texted at this hour.", "UTC: the recipient may not be texted"}},
		{"msg_paused", []events.Event{events.MessageDeferred{Until: later, Reason: "prefix_paused"}},
			[]string{"as texts to numbers that begin like the recipient&#39;s are paused.", "when that pause is over", `href="/providers#pumping"`}},
		{"msg_undelivered", []events.Event{claimed, sent, events.MessageUndelivered{ProviderStatus: "undelivered", ErrorCode: "30003", At: at}},
			[]string{"did not arrive: handset off/no signal (30003)", "not sent again by itself", "will not get it: handset off/no signal."}},
		{"msg_unknown_code", []events.Event{claimed, sent, events.MessageUndelivered{ProviderStatus: "undelivered", ErrorCode: "39999", At: at}}, []string{"did not arrive (code 39999)"}},
		{"msg_refused", []events.Event{claimed, refused, events.MessageDeadLettered{Reason: "permanent", Attempts: 1, Class: "permanent", Code: "21614", Detail: "not a mobile number"}},
			[]string{"twilio refused it: not a mobile number (21614)", "it is refused again", "replace it", `<summary class="button">Send again…`, `<summary class="button primary">Replace…`}},
		{"msg_doubtful", []events.Event{claimed, doubt, events.MessageReconciled{Attempt: 1, Outcome: "unknown", Evidence: "no_trace"}, events.MessageDeadLettered{Reason: "in_doubt", Attempts: 1, Class: "in_doubt"}},
			[]string{"Nobody knows whether it was sent", "Look for it in the records of twilio", `<summary class="button">Send again…`, `<summary class="button primary">Resolve…`}},
		{"msg_in_doubt", []events.Event{claimed, doubt}, []string{"Nobody knows yet whether it was sent: attempt 1 got no clear answer (timeout)", "asked for it by itself"}},
		{"msg_retried", []events.Event{claimed, events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", Detail: "too fast"}, events.MessageRetried{Attempt: 2, DueAt: at}},
			[]string{"attempt 1 did not succeed: too fast (20429)", "made by itself from 2026-11-25 12:00:00 UTC on"}},
		{"msg_paced", []events.Event{events.MessageDeferred{Until: later, Reason: "pacing"}}, []string{", as its provider or sender has its pace."}},
		{"msg_put_off", []events.Event{claimed, events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "provider_wide", Code: "20003", Detail: "bad credentials"}, events.MessageRetried{Attempt: 2, DueAt: at}, events.MessageDeferred{Until: later, Reason: "breaker"}},
			[]string{"it waits until " + moment(later) + ", as the breaker of its provider is open."}},
		{"msg_due", []events.Event{events.MessageDeferred{Until: at, Reason: "quiet_hours"}}, []string{"it waits for its turn, and is due since 2026-11-25 12:00:00 UTC"}},
		{"msg_expired", []events.Event{events.MessageExpired{ExpiresAt: at}}, []string{"its time was over", "Until then it had no turn", `href="/providers"`}},
		{"msg_expired_tried", []events.Event{claimed, events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "throttled", Code: "20429", Detail: "too fast"}, events.MessageExpired{ExpiresAt: at}},
			[]string{"Until then attempt 1 did not succeed: too fast (20429)."}},
		{"msg_no_hour", []events.Event{events.MessageFailed{Class: "permanent", Code: "no_sending_window", Detail: "no common hour"}, events.MessageDeadLettered{Reason: "permanent", Class: "permanent", Code: "no_sending_window", Detail: "no common hour"}},
			[]string{"within a week there was no hour in which it might be"}},
		{"msg_optedout", []events.Event{events.MessageOptedOut{Source: "consent"}}, []string{"its recipient wants no texts", `href="/consent?number=%2B14155552671"`}},
	} {
		w.accept("acme", tt.id, nil, tt.events...)
		page := w.get(admin, "/messages/"+tt.id)
		page.shows(t, tt.says...)
		if has := strings.Contains(page.body, `class="verdict`); has != (tt.says != nil) {
			t.Errorf("%s: there is a verdict: %v", tt.id, has)
		}
	}
	past := w.get(admin, "/messages/msg_refused?as_of="+"1000000")
	past.shows(t, `class="verdict`)
	w.get(w.join("vera", domain.Viewer), "/messages/msg_optedout").hides(t, number1[2:], "%2B14155552671")

	if a := w.post(admin, "/providers/twilio/open", "reason", "maintenance"); a.status != http.StatusSeeOther {
		t.Fatalf("opening the breaker: %d", a.status)
	}
	w.get(admin, "/messages/msg_waits").shows(t, "Just now twilio gets no texts", `href="/providers"`)
	w.get(admin, "/messages/msg_put_off").shows(t, "Just now twilio gets no texts", "It goes on by itself")
	w.accept("acme", "msg_late", func(m *events.MessageAccepted) { m.ExpiresAt = &at })
	late := w.get(admin, "/messages/msg_late")
	late.shows(t, "It will not be sent: its time was over at 2026-11-25 12:00:00 UTC.", "Just now twilio gets no texts")
	late.hides(t, "It goes on by itself")
	w.get(admin, "/messages/msg_quiet").hides(t, "gets no texts")
	w.get(admin, "/messages/msg_in_doubt").shows(t, "twilio is to be asked for it before anything is sent again, and does not work just now", "What is wrong with it")
	w.get(admin, "/messages/msg_undelivered").hides(t, "gets no texts")
}

func TestAReasonIsToldOnce(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_dead", nil, events.MessageDeadLettered{Reason: "permanent", Attempts: 1})
	w.append("msg_dead", events.Meta{Tenant: "acme", Actor: "operator:ada", Reason: "no longer of use"}, events.MessageDiscarded{By: "operator:ada", Reason: "no longer of use"})
	page := w.get(admin, "/messages/msg_dead")
	if n := strings.Count(page.body, "no longer of use"); n != 3 { // in the step, and twice in what is stored of it
		t.Errorf("the reason stands there %d times", n)
	}
}

func TestATextIsToldOfItsOwnProvidersAlone(t *testing.T) {
	w := newWorld(t, func(u *UI) {
		u.Providers = append(u.Providers, Provider{Name: "sandbox", Purpose: "takes the texts of test keys"})
		u.Next = func(id string, _ domain.Message) []string {
			return map[string][]string{"msg_live": {"twilio"}, "msg_test": {"sandbox"}, "msg_both": {"twilio", "sandbox"}}[id]
		}
	})
	admin := w.admin()
	for _, id := range []string{"msg_live", "msg_test", "msg_both"} {
		w.accept("acme", id, nil)
	}
	if a := w.post(admin, "/providers/twilio/open", "reason", "maintenance"); a.status != http.StatusSeeOther {
		t.Fatalf("opening the breaker: %d", a.status)
	}
	w.get(admin, "/messages/msg_live").shows(t, "Just now twilio gets no texts")
	w.get(admin, "/messages/msg_test").hides(t, "gets no texts")
	w.get(admin, "/messages/msg_both").hides(t, "gets no texts")
}

func TestATextNamesItsKeyAndWhenEachStepWas(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_1", nil)
	recorded, err := w.store.Load(t.Context(), "msg_1")
	if err != nil {
		t.Fatal(err)
	}
	w.get(admin, "/messages/msg_1").shows(t, `href="/events?stream=key_1"`, recorded[0].RecordedAt.UTC().Format("15:04:05"))
}

func TestATextThatAnswersItsRecipientSaysWhatItAnswers(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	for cause, says := range map[string]string{
		"consent_1:1": "in spite of that opt-out, and of no other",
		"inbound_1:1": "in which its recipient asked for help",
	} {
		id, stream := "msg_"+cause[:7], strings.TrimSuffix(cause, ":1")
		w.append(id, events.Meta{Tenant: "acme", Actor: "provider:twilio", CausationID: cause}, events.MessageAccepted{To: number1, Body: bodyText, Encoding: "GSM-7", Segments: 1, Lane: "normal"})
		w.get(admin, "/messages/"+id).shows(t, says, `href="/events?stream=`+stream+`"`)
	}
}

func TestOfATextThatIsErasedNothingIsCounted(t *testing.T) {
	w := newWorld(t)
	w.accept("acme", "msg_1", func(m *events.MessageAccepted) { m.Body, m.Segments = events.Erased, 3 })
	page := w.get(w.admin(), "/messages/msg_1")
	page.shows(t, events.Erased, "<dt>Segments</dt><dd>3</dd>")
	page.hides(t, "<dt>Characters</dt>")
}

func TestAnErrorLeadsBackToWhereItHappened(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_1", nil)
	from := func(client *http.Client, referer, path string) answer {
		req := w.form(path, "reason", "x")
		req.Header.Set("Referer", referer)
		return w.do(client, req)
	}
	from(admin, w.url+"/messages/msg_1?as_of=1", "/messages/msg_1/redrive").shows(t, "no dead letter any more", `href="/messages/msg_1?as_of=1"`)
	from(admin, "http://elsewhere.example/trap", "/messages/msg_1/redrive").hides(t, "trap")
	ended := from(browser(), w.url+"/messages/msg_1", "/messages/msg_1/redrive")
	if ended.status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", ended.status)
	}
	ended.shows(t, "nothing was changed", `href="/login?back=%2Fmessages%2Fmsg_1"`)
}
