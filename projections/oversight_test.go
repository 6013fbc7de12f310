package projections

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func (h *house) oversight() Oversight { return Oversight{Queries: h.queries()} }

func TestOperatorsSeeTheTextsOfAllTenants(t *testing.T) {
	h := newHouse()
	h.append(t, "key_1", events.KeyIssued{Tenant: "acme"})
	h.append(t, "key_2", events.KeyIssued{Tenant: "other"})
	h.accept(t, "acme", "msg_1", func(m *events.MessageAccepted) { m.Consent = "consent_1" })
	h.accept(t, "other", "msg_2", func(m *events.MessageAccepted) { m.Consent = "consent_2" })
	h.accept(t, "acme", "msg_3", func(m *events.MessageAccepted) { m.Consent = "consent_3" })
	consents := func(of map[string]string) func(string) string {
		return func(tenant string) string { return of[tenant] }
	}
	for _, tt := range []struct {
		name    string
		filter  MessageFilter
		consent func(string) string
		want    []string
	}{
		{"all", MessageFilter{Limit: 10}, nil, []string{"msg_3", "msg_2", "msg_1"}},
		{"of a tenant", MessageFilter{Tenant: "acme", Limit: 10}, nil, []string{"msg_3", "msg_1"}},
		{"to a number that two tenants text", MessageFilter{Limit: 10}, consents(map[string]string{"acme": "consent_1", "other": "consent_2"}), []string{"msg_2", "msg_1"}},
		{"to nobody known", MessageFilter{Limit: 10}, consents(map[string]string{"acme": "consent_9", "other": "consent_8"}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, next, err := h.oversight().Messages(t.Context(), tt.filter, tt.consent)
			if err != nil || next != nil || !slices.Equal(idsOfMessages(got), tt.want) {
				t.Errorf("got %v, next %v, %v; want %v", idsOfMessages(got), next, err, tt.want)
			}
			var paged []string
			filter := tt.filter
			filter.Limit = 1
			for range 5 {
				page, next, err := h.oversight().Messages(t.Context(), filter, tt.consent)
				if err != nil {
					t.Fatal(err)
				}
				paged = append(paged, idsOfMessages(page)...)
				if filter.After = next; next == nil {
					break
				}
			}
			if !slices.Equal(paged, tt.want) {
				t.Errorf("one at a time: %v, want %v", paged, tt.want)
			}
		})
	}
	if timeline, err := h.oversight().Timeline(t.Context(), "msg_2"); err != nil || len(timeline) != 1 {
		t.Errorf("a timeline of %d events, %v", len(timeline), err)
	}
	if _, err := h.oversight().Timeline(t.Context(), "key_1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the timeline of a key: %v", err)
	}
}

func TestOperatorsReadTheLogFromItsHead(t *testing.T) {
	h := newHouse()
	for i := range 12 {
		meta := events.Meta{Tenant: "acme", Actor: "key:1"}
		if i%3 == 0 {
			meta = events.Meta{Actor: "operator:ada"} // belongs to no tenant
		}
		results, err := h.store.Append(t.Context(), ports.Write{StreamID: "breaker_x", Expected: i, Events: []events.Event{events.BreakerHalfOpened{Provider: "x"}}, Meta: meta})
		if err != nil || results[0].Err != nil {
			t.Fatal(err)
		}
	}
	positions := func(f EventFilter, before int64) (all []int64, more bool) {
		page, err := h.oversight().Latest(t.Context(), f, before)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			all = append(all, e.Position)
		}
		return all, page.More
	}
	if got, more := positions(EventFilter{Limit: 3}, 13); !slices.Equal(got, []int64{12, 11, 10}) || !more {
		t.Errorf("the newest: %v, more %v", got, more)
	}
	if got, more := positions(EventFilter{Actor: "operator", Limit: 10}, 13); !slices.Equal(got, []int64{10, 7, 4, 1}) || more {
		t.Errorf("by operators: %v, more %v", got, more)
	}
	if got, _ := positions(EventFilter{Actor: "operator", Limit: 10}, 7); !slices.Equal(got, []int64{4, 1}) {
		t.Errorf("before 7: %v", got)
	}
	if got, more := positions(EventFilter{Type: "message", Limit: 10}, 13); got != nil || more {
		t.Errorf("of another type: %v, more %v", got, more)
	}
	page, err := h.oversight().Log(t.Context(), EventFilter{After: 9, Limit: 10})
	if err != nil || len(page.Events) != 3 || page.More {
		t.Errorf("after 9: %d events, more %v, %v", len(page.Events), page.More, err)
	}
}

func TestOnlyWhatIsShownOfTheLogIsMadeReadable(t *testing.T) {
	h := newHouse()
	for i := range 8 {
		meta := events.Meta{Tenant: "acme", Actor: "key:1"}
		if i%3 == 0 {
			meta.Actor = "operator:ada"
		}
		results, err := h.store.Append(t.Context(), ports.Write{StreamID: "consent_1", Expected: i, Events: []events.Event{events.ConsentOptedOut{Number: "~sealed"}}, Meta: meta})
		if err != nil || results[0].Err != nil {
			t.Fatal(err)
		}
	}
	var opened []int64
	o := h.oversight()
	o.Queries.Stored, o.Queries.Store = o.Queries.Store, nil // a frame that is unsealed as a whole panics
	o.Queries.Open = func(_ context.Context, found []events.Recorded) error {
		for i := range found {
			opened = append(opened, found[i].Position)
			found[i].Data = events.ConsentOptedOut{Number: "+14155552671"}
		}
		found[0].Data = events.Unreadable{Type: found[0].Type, Err: events.ErrUnreadable}
		return events.ErrUnreadable
	}
	filter := EventFilter{Actor: "operator", Limit: 2}
	for name, tt := range map[string]struct {
		read func() (LogPage, error)
		want []int64
	}{
		"backwards":        {func() (LogPage, error) { return o.Latest(t.Context(), filter, 9) }, []int64{7, 4}},
		"to its beginning": {func() (LogPage, error) { return o.Latest(t.Context(), filter, 3) }, []int64{1}},
		"forwards":         {func() (LogPage, error) { return o.Log(t.Context(), filter) }, []int64{1, 4}},
		"nothing":          {func() (LogPage, error) { return o.Log(t.Context(), EventFilter{Actor: "relay", Limit: 2}) }, nil},
		"to a tenant": {func() (LogPage, error) {
			return o.Queries.Log(t.Context(), LogFilter{Tenant: "acme", After: 6, Limit: 9})
		}, []int64{7, 8}},
		"to another tenant": {func() (LogPage, error) { return o.Queries.Log(t.Context(), LogFilter{Tenant: "other", Limit: 9}) }, nil},
	} {
		opened = nil
		page, err := tt.read()
		if err != nil || !slices.Equal(opened, tt.want) || len(page.Events) != len(tt.want) {
			t.Errorf("%s: opened %v for %d events, %v; want %v", name, opened, len(page.Events), err, tt.want)
			continue
		}
		for i, e := range page.Events {
			if number := e.Data; i > 0 && number != (events.ConsentOptedOut{Number: "+14155552671"}) || i == 0 && string(e.RawData) != "null" {
				t.Errorf("%s: event %d is %v, %s", name, i, number, e.RawData)
			}
		}
	}
	opened, filter.Sealed = nil, true
	if page, err := o.Latest(t.Context(), filter, 9); err != nil || len(page.Events) != 2 || opened != nil {
		t.Errorf("sealed: opened %v for %d events, %v", opened, len(page.Events), err)
	}
}

// altered is a log in which a stored row was changed.
type altered struct {
	ports.EventStore
	position int64
}

func (a altered) Read(ctx context.Context, after int64, limit int) ([]events.Recorded, error) {
	rows, err := a.EventStore.Read(ctx, after, limit)
	rows = slices.Clone(rows)
	for i := range rows {
		if rows[i].Position == a.position {
			rows[i].RawData = []byte(`{"attempt":1,"attempt_id":"x","provider":"eve"}`)
		}
	}
	return rows, err
}

func TestAnAlteredRowIsSeenInTheProofOfItsNeighbours(t *testing.T) {
	h := newHouse()
	h.accept(t, "acme", "msg_1", nil, attempted)
	h.append(t, "msg_1", events.MessageDispatched{Attempt: 1, Provider: "x"})
	timeline, err := h.oversight().Timeline(t.Context(), "msg_1")
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := h.oversight().Prove(t.Context(), timeline)
	if err != nil || len(proofs) != 3 {
		t.Fatal(len(proofs), err)
	}
	for _, p := range proofs {
		if !p.Holds() || p.Commit.Link == (events.Hash{}) {
			t.Errorf("position %d: %+v", p.Position, p)
		}
	}
	bad := Oversight{Queries: Queries{Store: altered{h.store, 2}}}
	if proofs, err = bad.Prove(t.Context(), timeline); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true} { // 1 and 2 are of one commit
		if proofs[i].Holds() != want {
			t.Errorf("position %d: %+v, want %v", proofs[i].Position, proofs[i], want)
		}
	}
	bad = Oversight{Queries: Queries{Store: altered{h.store, 3}}}
	if proofs, err = bad.Prove(t.Context(), timeline); err != nil || proofs[2].Holds() {
		t.Errorf("an altered event is proven: %+v, %v", proofs[2], err)
	}
}
