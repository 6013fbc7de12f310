package systemtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// press does what a button beside the phone does.
func (d demo) press(do string) {
	d.rig.t.Helper()
	resp, err := http.PostForm(d.phone()+"/_sandbox/worker", url.Values{"do": {do}})
	if err != nil {
		d.rig.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK { // after the redirect
		d.rig.t.Fatalf("%s: status %d", do, resp.StatusCode)
	}
}

func (d demo) phone() string { return phonePage.FindStringSubmatch(d.output.String())[1] }

func (d demo) tally() (t sandbox.Tally) {
	d.rig.t.Helper()
	resp, err := http.Get(d.phone() + "/_sandbox/tally")
	if err != nil {
		d.rig.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&t); err != nil {
		d.rig.t.Fatal(err)
	}
	return t
}

// returns waits until the worker has come back as often.
func (d demo) returns(times int) {
	d.rig.t.Helper()
	eventually(d.rig.t, 20*time.Second, "back", func() bool {
		return strings.Count(d.output.String(), "The gateway ended, and is back") == times
	})
}

func TestAWorkerKilledAmidABurstLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t, filepath.Join(t.TempDir(), "demo"))
	d.press("burst")
	d.press("kill")
	d.returns(1)
	d.press("kill")
	d.returns(2)
	eventually(t, 30*time.Second, "two batches and more were carried on and delivered", func() bool {
		now := d.tally()
		return now.Accepted > 100 && now.Open == 0 && int64(now.Delivered) == now.Accepted
	})
	if end := d.tally(); !end.Compared || end.Lost != 0 || end.Doubled != 0 || end.Failed != 0 {
		t.Errorf("the tally is %+v", end)
	}
}

func TestTheWorkerIsKilledByAButtonOfThePhone(t *testing.T) {
	t.Parallel()
	a := newAdminPages(t)
	a.becomes(a.send(map[string]any{"to": "+14155552671", "body": "The first"}), "delivered") // or its phone would have the page loaded anew
	a.do("opening the phone", chromedp.Navigate(a.phone), chromedp.WaitVisible(`button[value=kill]`))
	a.shows("Running as process")
	a.do("sending many texts", chromedp.Click(`button[value=burst]`))
	a.shows("are still to be handed over")
	a.do("killing the worker", chromedp.Click(`button[value=kill]`))
	a.shows("Ended once, back after")
	eventually(t, 20*time.Second, "the tally", func() bool {
		now := a.tally()
		return now.Accepted > 50 && now.Open == 0 && now.Lost == 0 && now.Doubled == 0
	})
	a.look("phone-killed", 1280, false)
	a.look("phone-killed", 390, true)
	a.accessible(axeScript(t), "the phone after a kill")
	a.settled("the phone")
}

func TestADemoWhoseWorkerCannotStartGivesUpAndSaysSo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	d := startDemo(t, data)
	if err := os.Remove(filepath.Join(data, "sandbox-token")); err != nil {
		t.Fatal(err)
	}
	d.press("kill")
	<-d.exited
	said := d.output.String()
	if d.err == nil || !strings.Contains(said, "keeps ending: it is started again in 1s") || !strings.Contains(said, "the gateway does not start") {
		t.Errorf("%v:\n%s", d.err, said)
	}
}

func TestADemoSaysThatAPortIsTaken(t *testing.T) {
	t.Parallel()
	d := startDemo(t, filepath.Join(t.TempDir(), "demo"))
	taken := strings.TrimPrefix(d.url, "http://")
	_, _, err := prosms(t, nil, "demo", "--data", t.TempDir(), "--http", taken, "--admin", freeAddr(t), "--phone", freeAddr(t))
	if err == nil || !strings.Contains(err.Error(), "listening for the API") {
		t.Errorf("got %v", err)
	}
}
