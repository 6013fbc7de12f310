package systemtest

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabTo presses Tab until what a selector says has the focus, and fails if that
// cannot be seen.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 80 {
		b.do("pressing Tab", chromedp.KeyEvent(kb.Tab))
		there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.activeElement.matches(`+strconv.Quote(selector)+`)`))
		if b.must(err); !there {
			continue
		}
		seen, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(s => s.outlineStyle !== "none" || s.boxShadow !== "none")(getComputedStyle(document.activeElement))`))
		if b.must(err); !seen {
			b.t.Errorf("nobody sees that %s has the focus", selector)
		}
		return
	}
	b.t.Fatalf("Tab does not lead to %s on\n%s", selector, b.text())
}

func TestATextIsFoundAndSentAgainByTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	dead := a.send(map[string]any{"to": "+15005550001", "body": "Hello", "reference": "table-13"})
	a.becomes(dead, "dead_lettered")
	eventually(t, 30*time.Second, "listed", func() bool {
		var page struct{ Data []struct{ ID string } }
		_, err := a.call("GET", "/v1/messages?reference=table-13&status=dead_lettered", nil, &page)
		return err == nil && len(page.Data) == 1
	})
	a.do("opening the overview", chromedp.Navigate(a.pages+"/"), chromedp.WaitVisible(`h1`))
	a.tabTo(`.find input`)
	a.do("typing into it", chromedp.KeyEvent("table-13"+kb.Enter))
	a.shows("Looking for this reference")
	a.tabTo(`.texts .rowlink`)
	a.do("opening the text", chromedp.KeyEvent(kb.Enter))
	a.shows("Send again…", "was not sent")

	again := `details:has(form[action$="/redrive"])`
	open := func() bool {
		t.Helper()
		open, err := chromedp.Run(a.ctx, chromedp.Evaluate[bool](`document.querySelector(`+strconv.Quote(again)+`).open`))
		a.must(err)
		return open
	}
	a.tabTo(again + ` summary`)
	a.do("opening the form", chromedp.KeyEvent(kb.Enter))
	if !open() {
		t.Error("Enter does not open the form")
	}
	a.do("closing it", chromedp.KeyEvent(kb.Escape))
	if open() {
		t.Error("Escape does not close the form")
	}
	a.do("opening it again", chromedp.KeyEvent(kb.Enter)) // the focus came back
	a.tabTo(`form[action$="/redrive"] input[name=reason]`)
	a.do("saying why, and sending it", chromedp.KeyEvent("the list was cleaned"+kb.Enter))
	a.shows("The text is being sent again.")
	a.settled("the keyboard")
}
