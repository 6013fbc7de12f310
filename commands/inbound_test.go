package commands

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func stop(id string) Inbound {
	return Inbound{
		Provider: "twilio", RequestID: "req_1",
		Text: events.InboundReceived{From: "+14155552671", To: "+15005550006", Body: "STOP", ProviderMessageID: id},
	}
}

func texted(tenants ...string) Texted {
	return func(context.Context, string, events.Personal) ([]string, error) { return tenants, nil }
}

func TestATextToUsIsRecordedOnceForEachOfItsTenants(t *testing.T) {
	w := newWorld(t)
	w.handler.Texted = texted("acme", "other", "third")
	var reports sync.WaitGroup
	for range 8 {
		reports.Go(func() {
			if err := w.handler.ReceiveText(t.Context(), stop("SM1")); err != nil {
				t.Error(err)
			}
		})
	}
	reports.Wait()
	log, err := w.store.Read(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range log {
		seen[e.Type+" "+e.Meta.Tenant]++
		if e.Meta.Actor != "provider:twilio" || e.Meta.CorrelationID != "req_1" {
			t.Errorf("position %d: meta %+v", e.Position, e.Meta)
		}
	}
	for _, tenant := range []string{"acme", "other", "third"} {
		if seen["consent.opted_out "+tenant] != 1 || seen["inbound.received "+tenant] != 1 {
			t.Errorf("of %s: %v", tenant, seen)
		}
	}
	if len(log) != 6 {
		t.Errorf("%d events, want 6: %v", len(log), seen)
	}
}

// Whenever the store goes away, the repeat of the report does what is left.
func TestAReportThatFailedIsRepeatedInFull(t *testing.T) {
	for failing := range 4 { // the appends: two consents, the text for one, for the other
		w := newWorld(t)
		w.handler.Texted = texted("acme", "other")
		w.handler.Store = &failingAppend{EventStore: w.sealer, at: failing}
		if err := w.handler.ReceiveText(t.Context(), stop("SM1")); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("append %d failed: %v, want ErrUnavailable", failing, err)
		}
		if err := w.handler.ReceiveText(t.Context(), stop("SM1")); err != nil {
			t.Error(err)
		}
		if head, err := w.store.Head(t.Context()); err != nil || head.LastPosition != 4 {
			t.Errorf("append %d failed: %d events, %v; want 4", failing, head.LastPosition, err)
		}
	}
}

// failingAppend is a store whose append fails once.
type failingAppend struct {
	ports.EventStore
	at int
}

func (f *failingAppend) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if f.at--; f.at == -1 {
		return nil, ports.ErrUnavailable
	}
	return f.EventStore.Append(ctx, writes...)
}

func TestAnOptOutTowardsEveryTenantWinsOverAClaim(t *testing.T) {
	w := newWorld(t) // where nobody has texted anybody
	work := w.accept(3)
	w.dispatcher.Store = &meddled{w.sealer, func() {
		if err := w.handler.ReceiveText(t.Context(), stop("SM1")); err != nil {
			t.Error(err)
		}
	}}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	for _, item := range work {
		w.expect(item.MessageID, "message.accepted", "message.opted_out")
	}
	for _, tenant := range []string{"acme", "anybody"} {
		if out, err := w.handler.OptedOut(t.Context(), tenant, "+14155552671"); !out || err != nil {
			t.Errorf("towards %s opted out: %v, %v", tenant, out, err)
		}
	}
}

// An opt-out is never lost to a view that is behind; other texts come again.
func TestWhileTheViewIsBehindAnOptOutHoldsForEveryTenant(t *testing.T) {
	w := newWorld(t)
	w.handler.DefaultTenant = "acme"
	w.handler.Texted = func(context.Context, string, events.Personal) ([]string, error) { return nil, ErrBehind }
	question := stop("SM1")
	question.Text.Body = "who is this?"
	if err := w.handler.ReceiveText(t.Context(), question); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("a question: %v, want ErrUnavailable", err)
	}
	if err := w.handler.ReceiveText(t.Context(), stop("SM2")); err != nil {
		t.Error(err)
	}
	if out, err := w.handler.OptedOut(t.Context(), "anybody", "+14155552671"); !out || err != nil {
		t.Errorf("opted out: %v, %v", out, err)
	}
	if head, err := w.store.Head(t.Context()); err != nil || head.LastPosition != 2 {
		t.Errorf("%d events, %v; want the opt-out and its text", head.LastPosition, err)
	}
}

func TestATextToAMappedNumberIsForItsTenantsWhoeverHasTextedItsSender(t *testing.T) {
	w := newWorld(t)
	w.handler.Texted = func(context.Context, string, events.Personal) ([]string, error) { return []string{"texter"}, nil }
	w.handler.Numbers = map[string][]string{"+15005550006": {"acme", "other"}}
	if err := w.handler.Keywords.Add(keywords.OptOut, "desvincular"); err != nil {
		t.Fatal(err)
	}
	receive := func(to events.Personal, id string) {
		t.Helper()
		err := w.handler.ReceiveText(t.Context(), Inbound{Provider: "twilio", Text: events.InboundReceived{
			From: "+14155552671", To: to, Body: "¡Desvincular!", ProviderMessageID: id,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	optedOut := func(tenant string) bool {
		t.Helper()
		s, err := load[domain.Consent](t.Context(), w.store, w.handler.Lookup.ConsentStream(tenant, "+14155552671"))
		if err != nil {
			t.Fatal(err)
		}
		return s.State.OptedOut
	}
	receive("+15005550006", "SM1")
	if !optedOut("acme") || !optedOut("other") || optedOut("texter") || optedOut(EveryTenant) {
		t.Error("the opt-out does not hold for just the tenants of the number")
	}
	receive("+15005550007", "SM2")
	if !optedOut("texter") {
		t.Error("the opt-out by another number does not hold for who has texted from it")
	}
}
