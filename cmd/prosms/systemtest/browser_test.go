package systemtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// browser is a Chromium with one tab, which notes what goes wrong in it.
type browser struct {
	t      *testing.T
	ctx    context.Context
	mu     sync.Mutex
	faults []string
}

// newBrowser starts Chromium, or skips the test as loudly as for want of a server.
func newBrowser(t *testing.T, allowed ...string) *browser {
	t.Helper()
	path := servers.Program(t, "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); cancel(); stop() })
	b := &browser{t: t, ctx: ctx}
	b.must(chromedp.Listen(ctx, func(event any) { b.note(event, allowed) }))
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	b.must(err)
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	return b
}

// note keeps errors of the console, and requests to where nobody asked for.
func (b *browser) note(event any, allowed []string) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		fault = "the console says " + string(e.Type)
	case *runtime.EventExceptionThrown:
		fault = "a script threw " + e.ExceptionDetails.Text
	case *log.EventEntryAdded:
		fault = "the browser says " + e.Entry.Text
	case *network.EventRequestWillBeSent:
		for _, base := range append(allowed, "data:image/", "about:blank") { // the controls of a form bring their own pictures
			if strings.HasPrefix(e.Request.URL, base) {
				return
			}
		}
		fault = "a request to " + e.Request.URL
	}
	if fault != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, fault)
	}
}

// settled fails for what was noted since the last time.
func (b *browser) settled(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		b.t.Errorf("%s: %s", where, fault)
	}
	b.faults = nil
}

func (b *browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// do runs steps, for half a minute at the most.
func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.text())
	}
}

// text is what the page says.
func (b *browser) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// shows waits until the page says all of these.
func (b *browser) shows(all ...string) {
	b.t.Helper()
	for _, want := range all {
		eventually(b.t, 30*time.Second, fmt.Sprintf("%q on the page", want), func() bool { return strings.Contains(b.text(), want) })
	}
}

// look draws the page at a width, in a theme, and fails if it does not fit.
func (b *browser) look(name string, width int64, dark bool) {
	b.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.must(err)
	height := map[int64]int64{1280: 800, 390: 844}[width]
	b.do("resizing", chromedp.EmulateViewport(width, height))
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
	b.must(err)
	if wide > width {
		b.t.Errorf("%s is %d wide at %d", name, wide, width)
	}
	if folder := os.Getenv("PROSMS_TEST_SCREENSHOTS"); folder != "" {
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		b.must(err)
		b.must(os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o644))
	}
}

// unlabelled lists what a screen reader could not name.
const unlabelled = `[...document.querySelectorAll("input:not([type=hidden]), select, button, a, summary, textarea")]
	.filter(e => !((e.labels && e.labels.length) || e.getAttribute("aria-label") || e.textContent.trim() || e.title))
	.map(e => e.outerHTML.slice(0, 80)).join("\n")`

// admin is a demo with its pages in a browser, signed in.
type admin struct {
	demo
	*browser
	pages, phone string
}

func newAdminPages(t *testing.T) admin {
	t.Helper()
	d := startDemo(t, filepath.Join(t.TempDir(), "demo"))
	link, phone := wayIn.FindStringSubmatch(d.output.String()), phonePage.FindStringSubmatch(d.output.String())
	if link == nil || phone == nil {
		t.Fatal("the demo prints no way in, or no phone")
	}
	a := admin{demo: d, browser: newBrowser(t, link[1], phone[1]), pages: link[1], phone: phone[1]}
	a.do("following the link", chromedp.Navigate(link[0]))
	a.shows("Overview", "Throughput")
	a.do("waiting for the pulse", chromedp.WaitVisible(`.pulse.on`))
	a.settled("the link")
	return a
}

// send sends a text by the API and returns its id.
func (a admin) send(text map[string]any) (id string) {
	a.browser.t.Helper()
	var sent struct{ ID string }
	if status, err := a.call("POST", "/v1/messages", text, &sent); err != nil || status != 202 {
		a.browser.t.Fatalf("sending: %d, %v", status, err)
	}
	return sent.ID
}

// becomes waits for the status of a text.
func (a admin) becomes(id, status string) {
	a.browser.t.Helper()
	eventually(a.browser.t, 30*time.Second, status, func() bool { return a.statusOf(id) == status })
}

// act opens a form, says why and sends it.
func (a admin) act(what, form, reason string) {
	a.browser.t.Helper()
	a.do(what, chromedp.Click(`details:has(form[action$="`+form+`"]) summary`), chromedp.SendKeys(`form[action$="`+form+`"] input[name=reason]`, reason),
		chromedp.Click(`form[action$="`+form+`"] button:not([type])`))
}

func TestAnOperatorFindsOutWhatBecameOfATextInABrowser(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	doubted := a.send(map[string]any{"to": "+15005550014", "body": "Your table for two tonight at 8 pm is confirmed.", "reference": "table-12"})
	undelivered := a.send(map[string]any{"to": "+15005550011", "body": "Your parcel is at the pick-up point."})
	scheduled := a.send(map[string]any{"to": "+14155552679", "body": "The sale starts tomorrow.", "lane": "bulk", "send_at": time.Now().Add(20 * time.Hour).UTC().Format(time.RFC3339)})
	a.becomes(doubted, "delivered")

	a.do("looking for a text", chromedp.SendKeys(`.find input`, "table-12\r"))
	a.shows("Looking for this reference")
	a.do("opening it", chromedp.Click(`.texts .rowlink`))
	a.shows("Story", "is in doubt", "nothing was sent twice", "Delivered", "intact", "UTC")
	a.do("going back in time", chromedp.Click(`.slider a:nth-child(3)`))
	a.shows("after step 3 of 5", "in doubt")
	a.settled("a text's story")

	a.becomes(undelivered, "undelivered")
	a.do("asking why a text did not arrive", chromedp.Navigate(a.pages+"/messages/"+undelivered))
	a.shows("It was sent, and did not arrive: handset off/no signal (30003).")

	a.do("opening a text for later", chromedp.Navigate(a.pages+"/messages/"+scheduled))
	a.act("calling it back", "/cancel", "wrong date")
	a.shows("It will not be sent", "Canceled", "wrong date")
	a.becomes(scheduled, "canceled")
	a.settled("calling a text back")

	a.do("following the log", chromedp.Navigate(a.pages+"/events"), chromedp.Click(`[data-follow-rows]`))
	a.shows("Following")
	live := a.send(map[string]any{"to": "+14155552671", "body": "Seen as it comes"})
	eventually(t, 30*time.Second, "a row of the new text", func() bool {
		found, err := chromedp.Run(a.ctx, chromedp.Evaluate[bool](`!!document.querySelector('tr.fresh a[href*="`+live+`"]')`))
		return err == nil && found
	})
	a.settled("following the log")
}

func TestAnOperatorReplaysAGroupAndOpensABreakerInABrowser(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	for range 3 {
		a.becomes(a.send(map[string]any{"to": "+15005550001", "body": "Hello"}), "dead_lettered")
	}
	a.becomes(a.send(map[string]any{"to": "+15005550009", "body": "Hello"}), "dead_lettered")
	eventually(t, 30*time.Second, "the groups", func() bool {
		a.do("opening the dead letters", chromedp.Navigate(a.pages+"/dead-letters"))
		return strings.Contains(a.text(), "21614") && strings.Contains(a.text(), "21211")
	})
	a.do("choosing the larger group", chromedp.Click(`table tbody a[href*="group="]`))
	a.shows("Send these again…")
	a.do("asking for a dry run", chromedp.Click(`.head .primary`))
	a.shows("nothing has been sent", "3 texts of demo are selected", "would be sent")
	a.shows("3 of them were refused for good")
	a.do("pressing the button twice", chromedp.SendKeys(`form[action="/replays"] input[name=reason]`, "the list was cleaned"), chromedp.DoubleClick(`form[action="/replays"] button`))
	a.shows("Replay", "the list was cleaned", "100 % settled", "completed")
	a.do("counting the replays", chromedp.Navigate(a.pages+"/dead-letters"))
	replays, err := chromedp.Run(a.ctx, chromedp.Evaluate[int64](`document.querySelectorAll('a[href^="/replays/"]').length`))
	if a.must(err); replays != 1 {
		t.Errorf("the button was pressed twice, and there are %d replays", replays)
	}
	a.settled("a replay")

	a.do("opening the providers", chromedp.Navigate(a.pages+"/providers"))
	a.act("opening the breaker", "/open", "maintenance")
	a.shows("breaker open", "maintenance", "The first probe is due")
	held := a.send(map[string]any{"to": "+14155552671", "body": "I wait"})
	a.act("closing it", "/close", "they are back")
	a.shows("breaker closed")
	a.becomes(held, "delivered")
	a.settled("a breaker")
}

func TestSTOPOnThePhoneStopsTexts(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	a.becomes(a.send(map[string]any{"to": "+14155552671", "body": "Our sale begins"}), "delivered")
	a.do("opening the phone", chromedp.Navigate(a.phone))
	a.shows("Our sale begins", "✓✓")
	second := a.send(map[string]any{"to": "+14155552671", "body": "It goes on"})
	a.shows("It goes on") // by itself
	a.becomes(second, "delivered")
	a.do("answering STOP", chromedp.Click(`.quick button[value=STOP]`), chromedp.WaitVisible(`article.own:not(.failed)`)) // Pro-SMS has taken it
	a.shows("You get no more texts from us.")                                                                             // in spite of it
	a.becomes(a.send(map[string]any{"to": "+14155552671", "body": "Not any more"}), "opted_out")
	a.look("phone", 1280, false)
	a.look("phone", 1280, true)
	a.look("phone", 390, false)
	a.do("making bad weather", chromedp.Click(`button[value=lost]`))
	a.shows("its answer is lost")
	a.accessible(axeScript(t), "the phone")
	a.settled("the phone")
	a.do("opening the consents", chromedp.Navigate(a.pages+"/consent"))
	a.shows("Opted out", "keyword", "STOP")
	a.do("opening the inbound texts", chromedp.Navigate(a.pages+"/inbound"))
	a.shows("STOP")
	a.settled("consent")
}

func TestThePhoneKeepsStillUnderAFingerAndStaysTheSamePhone(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	a.becomes(a.send(map[string]any{"to": "+14155552671", "body": "The first phone"}), "delivered")
	a.do("opening the phone", chromedp.EmulateViewport(1280, 800), chromedp.Navigate(a.phone)) // all buttons in sight
	a.shows("The first phone", "✓✓")
	mouse := func(kind input.DispatchMouseEventType) {
		at, err := chromedp.Run(a.ctx, chromedp.Evaluate[[]float64](`(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector("button[value=lost]").getBoundingClientRect())`))
		a.must(err)
		_, err = chromedp.Call(a.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at[0], Y: at[1], Button: "left", ClickCount: 1})
		a.must(err)
	}
	mouse(input.DispatchMouseEventTypeMousePressed)
	a.becomes(a.send(map[string]any{"to": "+14155552672", "body": "The second phone"}), "delivered")
	for _, step := range []string{`!refresh().done`, `!busy`} { // draws anew, as each change has it
		eventually(t, 30*time.Second, step, func() bool {
			done, err := chromedp.Run(a.ctx, chromedp.Evaluate[bool](step))
			return err == nil && done
		})
	}
	mouse(input.DispatchMouseEventTypeMouseReleased)
	a.shows("its answer is lost", "The second phone") // the list of phones has it
	for _, what := range []string{`document.querySelector(".title").innerText`, `document.querySelector(".reply input[name=from]").value`} {
		if number, err := chromedp.Run(a.ctx, chromedp.Evaluate[string](what)); err != nil || number != "+14155552671" {
			t.Errorf("%s is %q, %v", what, number, err)
		}
	}
	a.settled("the phone")
}

func TestEveryAdminPageFitsAndIsQuiet(t *testing.T) {
	t.Parallel()
	checker := axeScript(t)
	a := newAdminPages(t)
	if status, err := a.call("POST", "/v1/webhooks", map[string]any{"url": "http://" + freeAddr(t) + "/hook"}, nil); err != nil || status != 201 {
		t.Fatalf("an endpoint where nobody listens: %d, %v", status, err)
	}
	for i := range 8 {
		a.send(map[string]any{"to": fmt.Sprintf("+1415555267%d", i), "body": fmt.Sprintf("Your order #%d is on its way. Track it at example.com/t/%d", 4711+i, 4711+i), "reference": fmt.Sprintf("order-%d", 4711+i)})
	}
	doubted := a.send(map[string]any{"to": "+15005550014", "body": "Your table for two tonight at 8 pm is confirmed.", "reference": "table-12"})
	a.send(map[string]any{"to": "+15005550001", "body": "Hello there"})
	a.send(map[string]any{"to": "+15005550011", "body": "Your parcel is at the pick-up point."})
	dead := a.send(map[string]any{"to": "+15005550001", "body": "Hello again"})
	a.becomes(doubted, "delivered")
	a.becomes(dead, "dead_lettered")
	a.do("examining the installation", chromedp.Navigate(a.pages+"/system"), chromedp.Click(`form[action="/system/doctor"] button`))
	a.shows("Examine again", "event log")
	a.do("opening the overview", chromedp.Navigate(a.pages+"/"))
	a.shows("does not hear of its texts", "1 webhook fails")
	for _, page := range [][2]string{
		{"overview", "/"}, {"messages", "/messages"}, {"message", "/messages/" + doubted}, {"dead-letter", "/messages/" + dead}, {"dead-letters", "/dead-letters"}, {"dry-run", "/dead-letters/replay"},
		{"providers", "/providers"}, {"consent", "/consent"}, {"inbound", "/inbound"}, {"events", "/events"}, {"audit", "/audit"},
		{"webhooks", "/webhooks"}, {"keys", "/keys"}, {"operators", "/operators"}, {"system", "/system"},
	} {
		a.do("opening "+page[1], chromedp.Navigate(a.pages+page[1]), chromedp.WaitVisible(`h1`))
		if page[0] == "overview" {
			a.do("waiting for the pulse", chromedp.WaitVisible(`.pulse.on`))
		}
		for _, width := range []int64{1280, 390} {
			for _, dark := range []bool{false, true} {
				a.look(page[0], width, dark)
				a.accessible(checker, fmt.Sprintf("%s at %d, dark %v", page[1], width, dark))
			}
		}
		nameless, err := chromedp.Run(a.ctx, chromedp.Evaluate[string](unlabelled))
		a.must(err)
		if nameless != "" {
			t.Errorf("%s has controls without a name:\n%s", page[1], nameless)
		}
		a.settled(page[1])
	}
}
