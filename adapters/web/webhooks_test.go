package web

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestWebhookDeliveriesAreListedAndPostedAgain(t *testing.T) {
	var hooks *commands.Webhooks
	w := newWorld(t, func(u *UI) {
		queries := u.Oversight.Queries
		hooks = &commands.Webhooks{Store: queries.Store, Views: queries.Views, Lookup: u.Commands.Lookup}
		u.Webhooks = hooks
	})
	admin, olga, viewer := w.admin(), w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	w.get(olga, "/webhooks").shows(t, "Nothing was posted yet", "http://api.example/v1/webhooks")
	endpoint, err := hooks.Create(t.Context(), commands.Caller{Tenant: "acme", Actor: "key:1"}, commands.EndpointRequest{URL: "https://shop.example/hook?token=zzz"})
	if err != nil {
		t.Fatal(err)
	}
	w.accept("acme", "msg_1", nil)
	announcer := &commands.Announcer{Store: w.store, Views: hooks.Views, Lookup: hooks.Lookup, Log: slog.New(slog.DiscardHandler)}
	if err := announcer.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := w.get(viewer, "/webhooks")
	page.shows(t, "https://shop.example/hook", "message.accepted", "/messages/msg_1", "pending")
	page.shows(t, `data-label="Types" class="right">all</td>`)
	page.hides(t, "zzz", "Post again…")
	w.get(viewer, "/messages/msg_1").shows(t, "<h2>Webhooks</h2>", "no attempt yet", `href="/webhooks?message=msg_1&amp;tenant=acme"`)
	w.get(viewer, "/webhooks?message=msg_1&tenant=acme").shows(t, "message.accepted", `name="message" value="msg_1"`)
	w.get(viewer, "/webhooks?message=msg_9&tenant=acme").shows(t, "No delivery fits")
	found, _, err := hooks.Deliveries(t.Context(), commands.DeliveryFilter{Tenant: "acme", Limit: 9})
	if err != nil || len(found) != 1 || found[0].Endpoint != endpoint.ID {
		t.Fatalf("%+v, %v", found, err)
	}
	if a := w.post(olga, "/webhooks/deliveries/"+found[0].ID+"/replay", "tenant", "acme", "reason", "mended"); a.status != http.StatusConflict {
		t.Errorf("what waits: %d", a.status)
	}
	if a := w.post(olga, "/webhooks/deliveries/"+found[0].ID+"/replay", "tenant", "acme", "reason", " "); a.status != 422 {
		t.Errorf("without a reason: %d", a.status)
	}
	if a := w.post(olga, "/webhooks/deliveries/"+found[0].ID+"/replay", "tenant", "other", "reason", "mended"); a.status != 404 {
		t.Errorf("another tenant's: %d", a.status)
	}
	for path, status := range map[string]int{"/webhooks?status=dead": 200, "/webhooks?status=lost": 400, "/webhooks?after=zzz": 400, "/webhooks?tenant=none": 200} {
		if a := w.get(admin, path); a.status != status {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if regexp.MustCompile(`whsec_`).MatchString(page.body) {
		t.Error("a secret is shown")
	}
}

func TestWebhooksThatFailAreToldOnTheOverview(t *testing.T) {
	var hooks *commands.Webhooks
	w := newWorld(t, func(u *UI) {
		queries := u.Oversight.Queries
		hooks = &commands.Webhooks{Store: queries.Store, Views: queries.Views, Lookup: u.Commands.Lookup}
		u.Webhooks = hooks
	})
	ada := w.admin()
	w.append("key_1", events.Meta{Tenant: "acme"}, events.KeyIssued{Tenant: "acme"})
	endpoint, err := hooks.Create(t.Context(), commands.Caller{Tenant: "acme", Actor: "key:1"}, commands.EndpointRequest{URL: "https://shop.example/hook"})
	if err != nil {
		t.Fatal(err)
	}
	w.get(ada, "/").hides(t, "does not hear of its texts")
	w.get(ada, "/webhooks").shows(t, `<span class="status good">enabled</span>`)
	posted := make(chan struct{}, 1)
	courier := &commands.Courier{
		Store: w.store, Views: hooks.Views, Lookup: hooks.Lookup, Log: slog.New(slog.DiscardHandler),
		Body: func([]events.Recorded) ([]byte, error) { return []byte("{}"), nil },
		Post: func(context.Context, commands.WebhookPost) commands.WebhookAnswer {
			posted <- struct{}{}
			return commands.WebhookAnswer{Fault: "timeout"}
		},
	}
	w.accept("acme", "msg_1", nil)
	announcer := &commands.Announcer{Store: w.store, Views: hooks.Views, Lookup: hooks.Lookup, Log: courier.Log}
	if err := announcer.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { _ = courier.Run(ctx) })
	<-posted
	stop()
	working.Wait() // it has noted the answer
	w.get(ada, "/").shows(t, `<a href="/webhooks?status=pending&amp;tenant=acme"><strong>acme</strong> does not hear of its texts</a>`, "1 webhook fails")
	w.get(ada, "/webhooks?tenant=acme&endpoint="+endpoint.ID).shows(t, `<span class="status bad">failing</span>`)
}
