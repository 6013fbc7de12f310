package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

// still makes all texts stay at their first status.
func (b box) still() {
	hour := events.Duration(time.Hour)
	b.script(sandbox.Fault{Callbacks: &sandbox.Callbacks{Delay: &hour}})
}

func TestListShowsTheNewestFirstInPages(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	var sids []string
	for i := range 5 {
		sids = append(sids, b.sid("Body", fmt.Sprint(i)))
		b.sid("To", "+14155550199")
		b.sid("From", "ACME")
	}
	slices.Reverse(sids)
	var got []string
	next := messages + ".json?To=%2B14155550100&From=%2B15005550006&PageSize=2"
	for pages := 0; next != ""; pages++ {
		if pages == 3 {
			t.Fatal("more than three pages")
		}
		var page struct {
			Messages []struct{ SID string }
			Next     *string `json:"next_page_uri"`
			Page     int
		}
		if err := json.Unmarshal([]byte(b.do(http.MethodGet, next, "", "").body), &page); err != nil || page.Page != pages {
			t.Fatalf("page %d: %v", page.Page, err)
		}
		for _, m := range page.Messages {
			got = append(got, m.SID)
		}
		if next = ""; page.Next != nil {
			next = *page.Next
		}
	}
	if !slices.Equal(got, sids) {
		t.Errorf("got %v, want %v", got, sids)
	}
}

func TestAMessageCanBeErasedCanceledAndDeleted(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	b.still()
	const form = "application/x-www-form-urlencoded"
	one := messages + "/" + b.sid() + ".json"
	if a := b.do(http.MethodDelete, one, "", ""); a.status != 409 {
		t.Errorf("deleting before the end: status %d", a.status)
	}
	if a := b.do(http.MethodPost, one, form, "Body="); a.status != 409 || field[float64](t, a, "code") != 20009 {
		t.Errorf("erasing before the end: %s", a.body)
	}
	if a := b.do(http.MethodPost, one, form, "Body=other"); a.status != 400 {
		t.Errorf("changing a body: status %d", a.status)
	}
	if a := b.do(http.MethodPost, one, form, "Status=canceled"); field[string](t, a, "status") != "canceled" {
		t.Errorf("canceled: %s", a.body)
	}
	if a := b.do(http.MethodPost, one, form, "Status=canceled"); a.status != 400 || field[float64](t, a, "code") != 30409 {
		t.Errorf("canceled again: %s", a.body)
	}
	if a := b.do(http.MethodPost, one, form, "Body="); field[string](t, a, "body") != "" {
		t.Errorf("erased: %s", a.body)
	}
	if a := b.do(http.MethodDelete, one, "", ""); a.status != 204 {
		t.Errorf("deleting: status %d", a.status)
	}
	if a := b.do(http.MethodGet, one, "", ""); a.status != 404 {
		t.Errorf("fetching a deleted one: status %d", a.status)
	}
	if a := b.do(http.MethodGet, messages+".json", "", ""); len(field[[]any](t, a, "messages")) != 0 {
		t.Errorf("a deleted one is listed: %s", a.body)
	}
	if l := b.Ledger(0, 10); l.Accepted != 1 || len(l.Entries) != 1 {
		t.Errorf("the ledger forgot what was accepted: %+v", l)
	}
}

func TestSegmentsAreEstimated(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	for body, want := range map[string]string{"Hello": "1", string(make161('a')): "2", string(make161('é')): "3"} {
		a := b.create("Body", body)
		if got := field[string](t, a, "num_segments"); got != want {
			t.Errorf("%d bytes: %s segments, want %s", len(body), got, want)
		}
	}
	if a := b.create("From", "", "MessagingServiceSid", "MG0123456789abcdef0123456789abcdef"); field[string](t, a, "num_segments") != "0" {
		t.Error("a service has no segments until it has chosen a sender")
	}
}

func make161(r rune) []rune { return slices.Repeat([]rune{r}, 161) }

func TestUnknownPathsAreTwilios404(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	for _, path := range []string{"/2010-04-01/Accounts/x/Calls.json", messages + "/SM0.json"} {
		if a := b.do(http.MethodGet, path, "", ""); a.status != 404 || field[float64](t, a, "code") != 20404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
