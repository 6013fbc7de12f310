package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
)

var token = regexp.MustCompile(`name="selection" value="(\w+)"`)

// deadLetter writes a text that was given up.
func (w *world) deadLetter(id, reason, code string) {
	w.t.Helper()
	w.accept("acme", id, nil,
		events.MessageAttempted{Attempt: 1, Provider: "twilio"},
		events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "permanent", Code: code, Detail: "no such number"},
		events.MessageDeadLettered{Reason: reason, Attempts: 1, Class: "permanent", Code: code, Detail: "no such number"})
}

func TestASelectionIsSentAgainAsItWasShown(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, otto := w.join("olga", domain.RoleOperator), w.join("otto", domain.RoleOperator)
	w.get(olga, "/dead-letters").shows(t, "No dead letters", "waits here until somebody sends it again")
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	for i := range 3 {
		w.deadLetter(fmt.Sprintf("msg_%d", i), "permanent", "21211")
	}
	w.deadLetter("msg_other", "permanent", "21614")
	w.deadLetter("msg_doubt", "in_doubt", "")
	list := w.get(olga, "/dead-letters?code=21211")
	list.shows(t, "By cause", "no such number", "/messages/msg_0", "/dead-letters/replay?code=21211")
	list.hides(t, "/messages/msg_other")

	dry := w.get(olga, "/dead-letters/replay?code=21211")
	dry.shows(t, "nothing has been sent", "<strong>3</strong> texts of acme are selected", "would be sent", "Send 3 again",
		"<strong>3</strong> of them were refused for good", "no such number", "prosms dlq replay --tenant acme --code 21211 --reason")
	selected := token.FindStringSubmatch(dry.body)
	if selected == nil {
		t.Fatal("no selection")
	}
	w.deadLetter("msg_later", "permanent", "21211") // after the selection was frozen
	if a := w.post(otto, "/replays", "selection", selected[1], "rate", "10", "reason", "not mine"); a.status != http.StatusConflict {
		t.Errorf("another operator's selection: %d", a.status)
	}
	if a := w.post(olga, "/replays", "selection", selected[1], "rate", "10", "reason", ""); a.status != 422 {
		t.Errorf("without a reason: %d", a.status)
	}
	a := w.post(olga, "/replays", "selection", selected[1], "rate", "5", "reason", "the list was cleaned")
	if a.status != 303 {
		t.Fatalf("starting: %d\n%s", a.status, a.body)
	}
	if again := w.post(olga, "/replays", "selection", selected[1], "rate", "5", "reason", "twice"); again.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("the same selection twice: %d, to %q instead of the replay %q", again.status, again.header.Get("Location"), a.header.Get("Location"))
	}
	page := a.header.Get("Location")
	w.catchUp()
	w.get(olga, page).shows(t, "3 selected, 5 a second", "the list was cleaned", "operator:olga", "msg_0", "msg_1", "msg_2", "Pause…", "http://api.example/v1"+page+"/pause")
	w.get(olga, page).hides(t, "msg_later", "msg_other")
	if a := w.post(olga, page+"/pause", "reason", "wait"); a.status != 303 {
		t.Errorf("pausing: %d", a.status)
	}
	w.get(olga, page).shows(t, "paused", "Resume…")
	if a := w.post(olga, page+"/resume", "reason", "go on"); a.status != 303 {
		t.Errorf("resuming: %d", a.status)
	}
	if a := w.post(olga, page+"/cancel", "reason", "wrong"); a.status != 303 {
		t.Errorf("canceling: %d", a.status)
	}
	if a := w.post(olga, page+"/resume", "reason", "go on"); a.status != http.StatusConflict {
		t.Errorf("resuming what was canceled: %d", a.status)
	}
	doubtful := w.get(olga, "/dead-letters/replay?reason=in_doubt")
	doubtful.shows(t, "skipped: may have been sent", "Nothing of this would be sent")
	w.get(olga, "/dead-letters/replay?reason=in_doubt&in_doubt=1").shows(t, "would be sent", "may arrive twice")
	w.get(olga, "/dead-letters/replay?code=none").shows(t, "Nothing to send")
}

func TestASelectionDoesNotWaitForEver(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := &selections{now: func() time.Time { return now }}
	for range maxSelections + 5 {
		s.keep(&selection{by: "otto"})
	}
	if len(s.open) > maxSelections {
		t.Errorf("%d selections", len(s.open))
	}
	kept := s.keep(&selection{by: "olga", ids: []string{"msg_1"}})
	now = now.Add(selectionLife + time.Second)
	if _, ok := s.find(kept, "olga"); ok {
		t.Error("an old selection is good")
	}
}

func TestADeadLetterIsSentAgainOrPutAside(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	w.deadLetter("msg_1", "permanent", "21211")
	w.deadLetter("msg_2", "in_doubt", "")
	w.deadLetter("msg_3", "permanent", "21211")
	w.get(olga, "/messages/msg_1").shows(t, "Given up", "Send again…", "Put aside…", "/v1/dead-letters/msg_1/replay")
	if a := w.post(olga, "/messages/msg_1/redrive", "reason", "mended"); a.status != 303 {
		t.Errorf("sending again: %d\n%s", a.status, a.body)
	}
	w.get(olga, "/messages/msg_2").shows(t, "It may have been sent already")
	if a := w.post(olga, "/messages/msg_2/redrive", "reason", "mended"); a.status != http.StatusConflict {
		t.Errorf("a doubt, without saying so: %d", a.status)
	}
	if a := w.post(olga, "/messages/msg_2/redrive", "reason", "mended", "in_doubt", "1"); a.status != 303 {
		t.Errorf("a doubt: %d", a.status)
	}
	if a := w.post(olga, "/messages/msg_3/discard", "reason", "too old"); a.status != 303 {
		t.Errorf("putting aside: %d", a.status)
	}
	page := w.get(olga, "/messages/msg_3?done=discarded")
	page.shows(t, "Put aside", "too old", "The text was put aside.")
	page.hides(t, "Send again…")
	if a := w.post(olga, "/messages/msg_3/redrive", "reason", "after all"); a.status != http.StatusConflict {
		t.Errorf("sending what was put aside: %d", a.status)
	}
	if a := w.post(olga, "/messages/msg_9/redrive", "reason", "x"); a.status != 404 {
		t.Errorf("of nothing: %d", a.status)
	}
}

func TestABreakerIsOpenedAndClosedByHand(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga := w.join("olga", domain.RoleOperator)
	w.accept("acme", "msg_1", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageDispatched{Attempt: 1, Provider: "twilio"})
	w.accept("acme", "msg_2", nil, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"})
	w.get(olga, "/providers").shows(t, "twilio", "breaker closed", "Open the breaker…")
	if a := w.post(olga, "/providers/twilio/open", "reason", "maintenance", "for", "30m"); a.status != 303 {
		t.Errorf("opening: %d\n%s", a.status, a.body)
	}
	w.get(olga, "/providers?done=opened").shows(t, "breaker open", "maintenance", "The first probe is due", "Close the breaker…", "operator:olga")
	w.get(olga, "/").shows(t, "is not called")
	state, err := w.commands.Breaker(t.Context(), "twilio")
	if err != nil || state.Phase != breaker.Open {
		t.Errorf("the breaker is %s, %v", state.Phase, err)
	}
	if a := w.post(olga, "/providers/twilio/close", "reason", "back"); a.status != 303 {
		t.Errorf("closing: %d", a.status)
	}
	w.get(olga, "/providers").shows(t, "breaker closed")
	for form, status := range map[string]int{"nonsense": 400, "-5m": 400, "9999h": 400} {
		if a := w.post(olga, "/providers/twilio/open", "reason", "x", "for", form); a.status != status {
			t.Errorf("for %s: %d", form, a.status)
		}
	}
	if a := w.post(olga, "/providers/nobody/open", "reason", "x"); a.status != 404 {
		t.Errorf("of nobody: %d", a.status)
	}
}

func TestTwoOperatorsDoNotUndoEachOtherUnseen(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, otto := w.join("olga", domain.RoleOperator), w.join("otto", domain.RoleOperator)
	seen := func() string {
		t.Helper()
		found := regexp.MustCompile(`name="seen" value="(\d+)"`).FindStringSubmatch(w.get(otto, "/providers").body)
		if found == nil {
			t.Fatal("the form does not say what it was drawn from")
		}
		return found[1]
	}
	drawn := seen()
	w.append("breaker_twilio", events.Meta{Actor: "dispatcher"}, events.BreakerHalfOpened{Provider: "twilio"}) // by itself
	for range 2 {                                                                                              // the form is sent twice
		if a := w.post(olga, "/providers/twilio/open", "seen", drawn, "reason", "maintenance", "for", "30m"); a.status != 303 {
			t.Errorf("opening: %d", a.status)
		}
	}
	if n := w.count("breaker.opened"); n != 1 {
		t.Errorf("it was opened %d times", n)
	}
	for _, path := range []string{"/providers/twilio/open", "/providers/twilio/close"} {
		a := w.post(otto, path, "seen", drawn, "reason", "theirs is up")
		if a.status != http.StatusConflict {
			t.Errorf("%s of a page drawn before: %d", path, a.status)
		}
		a.shows(t, "olga has opened or closed this breaker meanwhile: maintenance")
	}
	if a := w.post(otto, "/providers/twilio/close", "seen", seen(), "reason", "theirs is up"); a.status != 303 || w.count("breaker.closed") != 1 {
		t.Errorf("of a page drawn anew: %d", a.status)
	}
}

func TestAPumpedPrefixIsShownAndLiftedByHand(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, victor := w.join("olga", domain.RoleOperator), w.join("victor", domain.Viewer)
	w.get(olga, "/providers").hides(t, "Pumped prefixes")
	now := time.Now().UTC()
	w.append("fuse_"+now.Format(time.DateOnly), events.Meta{Tenant: "acme", Actor: "fuse"},
		events.FuseBlown{Tenant: "acme", Prefix: "+1415555", Texts: 50, Delivered: 2, Paused: true, At: now, Until: now.Add(time.Hour)},
		events.FuseBlown{Tenant: "acme", Prefix: "+1212555", Texts: 50, At: now, Until: now.Add(time.Hour)})
	w.get(olga, "/").shows(t, "pumped prefixes")
	w.get(olga, "/providers").hides(t, `bad">paused`) // the fuse does not pause any more
	w.commands.Fuse = new(commands.Fuse)
	w.get(olga, "/providers").shows(t, "Pumped prefixes", "&#43;1415555…", `bad">paused`, "2 of 50", "&#43;1212555…", "reported", "Lift…", "prosms fuse lift acme &#43;1415555")
	seen := w.get(victor, "/providers")
	seen.shows(t, "&#43;1415555…")
	seen.hides(t, "Lift…")
	for form, status := range map[[2]string]int{{"+1415555", "25h"}: 400, {"+1415555", "x"}: 400, {"+4477", "1h"}: 404} {
		if a := w.post(olga, "/fuses/lift", "tenant", "acme", "prefix", form[0], "for", form[1], "reason", "x"); a.status != status {
			t.Errorf("lifting %v: %d", form, a.status)
		}
	}
	if a := w.post(olga, "/fuses/lift", "tenant", "acme", "prefix", "+1415555", "for", "24h", "reason", "a campaign"); a.status != 303 {
		t.Errorf("lifting: %d\n%s", a.status, a.body)
	}
	w.get(olga, "/providers?done=lifted").shows(t, "The pause is lifted", "lifted", "reported")
	w.get(olga, "/events?type=fuse").shows(t, "fuse.lifted", "operator:olga")
}

func TestAnOptOutInFreeTextIsReviewedOnce(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, vera := w.join("olga", domain.RoleOperator), w.join("vera", domain.Viewer)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	id := w.commands.Lookup.ConsentStream("acme", number1)
	w.append(id, events.Meta{Tenant: "acme"}, events.ConsentOptedOut{Number: number1, Source: domain.SourceText, Keyword: "REMOVE ME", Scope: "all"})
	w.catchUp()
	page := "/consent?number=" + url.QueryEscape(number1)
	w.get(olga, "/consent").shows(t, "to review")
	w.get(olga, page).shows(t, "This was read out of free text.", "prosms opt-outs review --tenant acme")
	w.get(vera, page).hides(t, "It stands")
	for range 2 {
		if a := w.post(olga, "/consent", "number", number1, "change", "review", "tenant", "acme", "reason", "it says so"); a.status != 303 {
			t.Fatalf("reviewing: %d\n%s", a.status, a.body)
		}
	}
	w.catchUp()
	list, one := w.get(olga, "/consent?source=text"), w.get(olga, page)
	list.shows(t, `<span class="dim">reviewed</span>`)
	list.hides(t, `<span class="tag">to review</span>`)
	one.shows(t, "looked at, and it stands", "operator:olga", "it says so", "opted out")
	one.hides(t, "This was read out of free text.")
	recorded, err := w.store.Load(t.Context(), id)
	if err != nil || len(recorded) != 2 || recorded[1].Data != (events.ConsentReviewed{By: "operator:olga"}) {
		t.Errorf("recorded %+v, %v", recorded, err)
	}
}

func TestConsentIsFoundByNumberAndChangedByHand(t *testing.T) {
	w := newWorld(t)
	w.admin()
	olga, viewer := w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.get(olga, "/consent").shows(t, "Nobody has opted out")
	w.get(olga, "/consent?number=415-555-2671").shows(t, "Nothing is known of this number")
	if a := w.post(olga, "/consent", "number", "(415) 555-2671", "change", "out", "tenant", "acme", "reason", "asked by mail"); a.status != 303 {
		t.Fatalf("opting out: %d\n%s", a.status, a.body)
	}
	w.catchUp()
	for _, path := range []string{"/consent", "/consent?number=%2B14155552671", "/consent?source=operator&tenant=acme"} {
		a := w.get(olga, path)
		a.shows(t, "14155552671", "operator", "acme")
		masked := w.get(viewer, strings.ReplaceAll(path, "number=%2B14155552671", "tenant=acme"))
		masked.hides(t, "4155552671")
		masked.shows(t, "•••• 71")
	}
	w.get(olga, "/audit").shows(t, "asked by mail", "consent.opted_out")
	if a := w.post(olga, "/consent", "number", "+14155552671", "change", "in", "tenant", "acme", "reason", "new consent"); a.status != 303 {
		t.Errorf("opting in: %d", a.status)
	}
	w.get(olga, "/consent?number=%2B14155552671").shows(t, "opted in")
	if a := w.post(olga, "/consent/import", "numbers", "number,source\n+14155552672,keyword\n(415) 555-2673\n", "tenant", "acme", "reason", "the old list"); a.status != 303 {
		t.Fatalf("importing: %d\n%s", a.status, a.body)
	}
	w.catchUp()
	w.get(olga, "/consent.csv?tenant=acme").shows(t, "number,source,keyword,at", "+14155552672,operator", "+14155552673,operator")
	if a := w.post(olga, "/consent/import", "numbers", "+14155552674\nzzz\n", "tenant", "acme", "reason", "x"); a.status != 422 || !strings.Contains(a.body, "line 2") || strings.Contains(a.body, "zzz") {
		t.Errorf("importing no number: %d", a.status)
	}
	if a := w.get(olga, "/consent.csv?tenant=acme"); strings.Contains(a.body, "+14155552674") {
		t.Error("a list with a fault was imported in part")
	}
	bad := w.post(olga, "/consent", "number", "zzz", "change", "out", "reason", "x")
	if bad.status != 422 {
		t.Errorf("no number: %d", bad.status)
	}
	bad.hides(t, "zzz")
}

func TestTextsToUsAreListed(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.get(admin, "/inbound").shows(t, "No texts to you yet")
	w.append("inbound_1", events.Meta{Tenant: "acme"}, events.InboundReceived{From: number1, To: "+15005550006", Body: "When do you open?"})
	w.append("inbound_2", events.Meta{}, events.InboundReceived{From: "+14155552672", To: "+15005550006", Body: "STOP"})
	w.get(admin, "/inbound").shows(t, "When do you open?", "14155552671", "nobody's", "STOP")
	w.get(w.join("vic", domain.Viewer), "/inbound").hides(t, "When do you open?", "4155552671")
}

func TestAKeyIsMadeWithLimitsAndRotated(t *testing.T) {
	w := newWorld(t)
	admin, viewer := w.admin(), w.join("vic", domain.Viewer)
	made := w.post(admin, "/keys", "tenant", "acme", "scope", "messages:write", "allowed_ips", "192.0.2.0/24, 198.51.100.7", "rate", "7", "reason", "the shop")
	if made.status != 200 {
		t.Fatalf("making: %d\n%s", made.status, made.body)
	}
	w.catchUp()
	list := w.get(admin, "/keys")
	list.shows(t, "from 192.0.2.0/24, 198.51.100.7/32", "7 a second", "Rotate…")
	w.get(viewer, "/keys").hides(t, "Rotate…")
	rotate := regexp.MustCompile(`/keys/\w+/rotate`).FindString(list.body)
	if a := w.post(admin, rotate, "overlap", "99999h", "reason", "x"); a.status != 422 {
		t.Errorf("too long an overlap: %d", a.status)
	}
	a := w.post(admin, rotate, "overlap", "1h", "reason", "yearly")
	a.shows(t, "The new key of acme", "psk_live_")
	w.catchUp()
	w.get(admin, "/keys").shows(t, "followed by")
	if a := w.post(admin, rotate, "overlap", "1h", "reason", "twice"); a.status != http.StatusConflict {
		t.Errorf("rotating twice: %d", a.status)
	}
	w.get(admin, "/audit").shows(t, "key.rotated", "yearly", "operator:ada")
	if a := w.post(admin, "/keys", "tenant", "acme", "scope", "messages:write", "rate", "many", "reason", "x"); a.status != 400 {
		t.Errorf("no rate: %d", a.status)
	}
}

func TestTheLogIsReadBackFromATime(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.accept("acme", "msg_1", nil)
	w.get(admin, "/events?at=2099-01-31T08:00").shows(t, "msg_1")
	w.get(admin, "/events?at=2099-01-31+08:00").shows(t, "msg_1")
	w.get(admin, "/events?at=2020-01-31").hides(t, "msg_1")
	if a := w.get(admin, "/events?at=yesterday"); a.status != 400 {
		t.Errorf("no time: %d", a.status)
	}
}

func TestASparklineCountsTheHoursOfADay(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	got := spark(now, []time.Time{now.Add(-25 * time.Hour), now.Add(-90 * time.Minute), now.Add(-80 * time.Minute), now})
	want := []bar{{X: 22 * 4, Y: 0, Height: 20}, {X: 23 * 4, Y: 10, Height: 10}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAProviderIsShownWithWhatReachesItAndHowFast(t *testing.T) {
	w := newWorld(t, func(u *UI) {
		u.Providers = []Provider{{Name: "acme", Routes: []domain.Route{{Provider: "acme", Prefix: "+44", Lane: "high", Priority: 1, Weight: 3}}, PerSecond: 25, InFlight: 8}}
	})
	w.get(w.admin(), "/providers").shows(t, "&#43;44…, lane high, priority 1, weight 3", "25 texts a second", "Calls at once")
}
