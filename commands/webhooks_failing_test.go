package commands_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/commands"
)

func TestItIsToldWhichEndpointsFailAndHowManyPostsWereGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		id := p.create()
		p.interval = 10 * time.Second
		var up atomic.Bool
		p.receiver.answer = func(commands.WebhookPost) commands.WebhookAnswer {
			return commands.WebhookAnswer{Delivered: up.Load(), Fault: "timeout"}
		}
		told := func(tenant string) ([]commands.FailingEndpoint, int) {
			t.Helper()
			failing, err := p.webhooks.Failing(t.Context(), tenant)
			if err != nil {
				t.Fatal(err)
			}
			dead, err := p.webhooks.Dead(t.Context(), "acme", 10)
			if err != nil {
				t.Fatal(err)
			}
			return failing, dead
		}
		p.open()
		begun := time.Now()
		p.happen("msg_1", accepted("https://app.example.com/cb"))
		pass(time.Hour)
		failing, dead := told("acme")
		if len(failing) != 2 || dead != 0 {
			t.Fatalf("%+v, %d dead", failing, dead)
		}
		for _, f := range failing {
			if f.Endpoint != id && f.Endpoint != "callbacks" || f.Tenant != "acme" || f.Since.Sub(begun) > time.Minute {
				t.Errorf("%+v", f)
			}
		}
		if all, _ := told(""); len(all) != 2 {
			t.Errorf("of any tenant %+v", all)
		}
		if others, _ := told("other"); len(others) > 0 {
			t.Errorf("of another tenant %+v", others)
		}
		if err := p.webhooks.Delete(t.Context(), acme, id); err != nil {
			t.Fatal(err)
		}
		if failing, _ = told("acme"); len(failing) != 1 || failing[0].Endpoint != "callbacks" {
			t.Errorf("with one of them gone %+v", failing)
		}
		pass(30 * time.Hour)
		if _, dead = told("acme"); dead == 0 {
			t.Error("none was given up")
		}
		p.happen("msg_2", accepted("https://app.example.com/cb"))
		pass(time.Minute)
		up.Store(true)
		pass(time.Hour)
		if failing, _ = told("acme"); len(failing) > 0 {
			t.Errorf("after an answer %+v", failing)
		}
		pass(3 * 24 * time.Hour)
		if _, dead = told("acme"); dead > 0 {
			t.Errorf("days later %d are dead", dead)
		}
		p.shut()
	})
}

func TestAnEndpointThatIsNotPostedToAnyMoreDoesNotFailForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.receiver.answer = func(commands.WebhookPost) commands.WebhookAnswer { return commands.WebhookAnswer{Fault: "timeout"} }
		p.open()
		p.happen("msg_1", accepted("https://app.example.com/cb"))
		pass(time.Minute)
		p.shut()
		pass(13 * time.Hour)
		if failing, err := p.webhooks.Failing(t.Context(), ""); err != nil || len(failing) > 0 {
			t.Errorf("%+v, %v", failing, err)
		}
	})
}
