package web

import (
	"log/slog"
	"net/http"
	"regexp"
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
