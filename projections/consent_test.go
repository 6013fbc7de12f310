package projections

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// consentHouse is a house with the views of this chapter.
func consentHouse() *house {
	h := newHouse()
	h.runner.Projections = []Projection{
		InboundTexts(), Contacts(func(number events.Personal) string { return "hash of " + string(number) }), OptOuts(),
	}
	return h
}

// record appends events of a tenant to a stream, and projects them.
func (h *house) record(t *testing.T, tenant, id string, list ...events.Event) {
	t.Helper()
	stream, err := h.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	results, err := h.store.Append(t.Context(), ports.Write{StreamID: id, Expected: len(stream), Events: list, Meta: events.Meta{Tenant: tenant}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var (
	optedOutByText = events.ConsentOptedOut{Number: "+14155552671", Keyword: "STOP", Source: "keyword", Scope: "all"}
	optedOutByAPI  = events.ConsentOptedOut{Number: "+14155552671", Source: "api", Scope: "all"}
	optedInByText  = events.ConsentOptedIn{Number: "+14155552671", Keyword: "START", Source: "keyword", Scope: "all"}
)

func TestAConsentIsWhatWasSaidLastToTheTenantAndToEveryTenant(t *testing.T) {
	for _, tt := range []struct {
		name        string
		own, every  []events.Event
		out         bool
		source      string
		changes     int
		nothingSaid bool
	}{
		{name: "nothing was said", nothingSaid: true},
		{name: "opted out", own: []events.Event{optedOutByText}, out: true, source: "keyword", changes: 1},
		{name: "opted in again", own: []events.Event{optedOutByAPI, optedInByText}, source: "keyword", changes: 2},
		{name: "towards every tenant", every: []events.Event{optedOutByText}, out: true, source: "keyword", changes: 1},
		{name: "in again here, out everywhere", own: []events.Event{optedOutByAPI, optedInByText}, every: []events.Event{optedOutByText}, out: true, source: "keyword", changes: 3},
		{name: "out here, in again everywhere", own: []events.Event{optedOutByAPI}, every: []events.Event{optedOutByText, optedInByText}, out: true, source: "api", changes: 3},
		{name: "in again both", own: []events.Event{optedOutByAPI, optedInByText}, every: []events.Event{optedOutByText, optedInByText}, source: "keyword", changes: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := consentHouse()
			for _, e := range tt.own {
				h.record(t, "acme", "consent_acme", e)
			}
			for _, e := range tt.every {
				h.record(t, "", "consent_every", e)
			}
			got, err := h.queries().OptOut(t.Context(), "consent_acme", "consent_every")
			if tt.nothingSaid {
				if err != ErrNotFound {
					t.Errorf("%v, want ErrNotFound", err)
				}
				return
			}
			if err != nil || got.OptedOut != tt.out || got.Source != tt.source || len(got.History) != tt.changes {
				t.Errorf("OptOut = %+v, %v", got, err)
			}
		})
	}
}

func TestOptOutsAreListedByTenantUntilTheyAreLifted(t *testing.T) {
	h := consentHouse()
	h.record(t, "acme", "consent_1", optedOutByText)
	h.record(t, "acme", "consent_2", optedOutByAPI)
	h.record(t, "acme", "consent_3", optedOutByText, optedInByText)
	h.record(t, "other", "consent_4", optedOutByText)
	h.record(t, "", "consent_5", optedOutByText)
	ids := func(f OptOutFilter) []string {
		var all []string
		for {
			found, next, err := h.queries().OptOuts(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range found {
				all = append(all, o.ID)
			}
			if f.After = next; next == nil {
				return all
			}
		}
	}
	for _, tt := range []struct {
		filter OptOutFilter
		want   []string
	}{
		{OptOutFilter{Tenant: "acme", Limit: 1}, []string{"consent_2", "consent_1"}},
		{OptOutFilter{Tenant: "acme", Source: "keyword", Limit: 5}, []string{"consent_1"}},
		{OptOutFilter{Tenant: "other", Limit: 5}, []string{"consent_4"}},
		{OptOutFilter{Tenant: "nobody", Limit: 5}, nil},
	} {
		if diff := cmp.Diff(tt.want, ids(tt.filter)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.filter, diff)
		}
	}
}

func TestContactsTellWhoHasTextedANumberFromOneOfOurs(t *testing.T) {
	h := consentHouse()
	text := func(tenant, id, to, from string) {
		h.record(t, tenant, id, events.MessageAccepted{To: events.Personal(to), From: events.Personal(from), Consent: "consent of " + to + " to " + tenant})
	}
	text("acme", "msg_1", "+14155552671", "+15005550006")
	text("acme", "msg_2", "+14155552671", "+15005550006")
	text("acme", "msg_3", "+14155552671", "72345")
	text("other", "msg_4", "+14155552671", "")
	text("third", "msg_5", "+14155552672", "+15005550006")
	for _, tt := range []struct {
		recipient, number string
		byDefault         bool
		want              []string
	}{
		{"+14155552671", "+15005550006", true, []string{"acme", "other"}},
		{"+14155552671", "+15005550006", false, []string{"acme"}},
		{"+14155552671", "72345", false, []string{"acme"}},
		{"+14155552671", "+15005550007", true, []string{"other"}},
		{"+14155552671", "+15005550007", false, nil},
		{"+14155552672", "+15005550006", false, []string{"third"}},
		{"+14155552673", "+15005550006", true, nil},
	} {
		got, err := h.queries().Texted(t.Context(), "hash of "+tt.recipient, tt.number, "hash of "+tt.number, tt.byDefault)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", tt, err, diff)
		}
	}
	rows, err := h.views.Find(t.Context(), contactsView, ports.Query{OrderBy: "created_at", Limit: 100})
	if err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v; want 4: a second text adds none", len(rows), err)
	}
}

// Live, in whatever portions, and rebuilt, the rows are those that the log gives.
func TestTheViewsOfConsentFollowFromTheLog(t *testing.T) {
	h := consentHouse()
	h.runner.Projections = h.runner.Projections[:2] // those that have a created_at, by which expect sorts
	h.ten(t)
	h.append(t, "inbound_1", events.InboundReceived{From: "+14155552671", To: "+15005550006", Body: "STOP", ProviderMessageID: "SM1"})
	for _, frame := range [][2]int64{{4, 6}, {1, 3}, {1, 11}, {7, 8}, {9, 11}} {
		if err := h.runner.Handle(h.frame(t, frame[0], frame[1])); err != nil {
			t.Fatal(err)
		}
	}
	h.expect(t, 11)
	found, next, err := h.queries().Inbound(t.Context(), "acme", 1, nil)
	if err != nil || next != nil || len(found) != 1 || found[0].Body != "STOP" || found[0].ID != "inbound_1" {
		t.Errorf("Inbound = %+v, %v, %v", found, next, err)
	}
}

// acceptancesDetached shows the log as if the acceptances were detached.
type acceptancesDetached struct{ ports.EventStore }

func (s acceptancesDetached) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := s.EventStore.Read(ctx, position, limit)
	for i, e := range page {
		if e.Type == "message.accepted" {
			page[i].RawData, page[i].Data = []byte("null"), events.Detached{Type: e.Type}
		}
	}
	return page, err
}

func TestContactsAreNotMadeWithoutTheTextsThatWereDetached(t *testing.T) {
	h := consentHouse()
	h.record(t, "acme", "msg_1", events.MessageAccepted{To: "+14155552671", Consent: "consent_1"})
	contacts := Contacts(func(number events.Personal) string { return "hash of " + string(number) })
	filler := h.filler()
	filler.Store = acceptancesDetached{h.store}
	if err := filler.Rebuild(t.Context(), contacts); !errors.As(err, new(ports.Archived)) {
		t.Errorf("Rebuild: %v, want that it takes the archive", err)
	}
	if got := rows(t, h.views, contacts); len(got) != 1 {
		t.Errorf("the view has %d rows, want the one that it had", len(got))
	}
}
