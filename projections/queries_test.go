package projections

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func (h *house) queries() Queries { return Queries{Store: h.store, Views: h.views} }

// accept adds a message of a tenant, and what else becomes of it.
func (h *house) accept(t *testing.T, tenant, id string, change func(*events.MessageAccepted), log ...events.Event) {
	t.Helper()
	accepted := acceptedNow
	if change != nil {
		change(&accepted)
	}
	results, err := h.store.Append(t.Context(), ports.Write{StreamID: id, Events: append([]events.Event{accepted}, log...), Meta: events.Meta{Tenant: tenant}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func idsOfMessages(messages []Message) []string {
	var ids []string
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestAMessageIsItsTenantsOnlyAndNeverStale(t *testing.T) {
	h := newHouse()
	h.accept(t, "acme", "msg_1", nil)
	h.append(t, "msg_1", attempted) // the view does not have it yet
	h.append(t, "key_1", events.KeyIssued{Tenant: "acme"})
	q := h.queries()
	m, err := q.Message(t.Context(), "acme", "msg_1")
	if err != nil || m.Status != "dispatching" || m.Version != 2 {
		t.Errorf("Message = %s at version %d, %v", m.Status, m.Version, err)
	}
	timeline, err := q.Timeline(t.Context(), "acme", "msg_1")
	if err != nil || len(timeline) != 2 || timeline[1].Type != "message.attempted" {
		t.Errorf("Timeline has %d events, %v", len(timeline), err)
	}
	for _, of := range [][2]string{{"other", "msg_1"}, {"", "msg_1"}, {"acme", "msg_2"}, {"acme", "key_1"}} {
		if _, err := q.Message(t.Context(), of[0], of[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("Message(%q, %q): %v, want ErrNotFound", of[0], of[1], err)
		}
	}
}

func TestListsAreFiltered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		start := time.Now().UTC()
		h.accept(t, "acme", "msg_1", func(a *events.MessageAccepted) { a.Lane = "high" })
		h.accept(t, "other", "msg_9", nil)
		time.Sleep(time.Minute)
		h.accept(t, "acme", "msg_2", func(a *events.MessageAccepted) { a.Reference = "order-2" }, attempted)
		time.Sleep(time.Minute)
		h.accept(t, "acme", "msg_3", func(a *events.MessageAccepted) { a.Consent, a.Reference = "consent_3", "" })
		for _, tt := range []struct {
			name   string
			filter MessageFilter
			want   []string
		}{
			{"of a tenant", MessageFilter{Tenant: "acme"}, []string{"msg_3", "msg_2", "msg_1"}},
			{"of another", MessageFilter{Tenant: "other"}, []string{"msg_9"}},
			{"of nobody", MessageFilter{}, nil},
			{"by status", MessageFilter{Tenant: "acme", Status: "dispatching"}, []string{"msg_2"}},
			{"by lane", MessageFilter{Tenant: "acme", Lane: "high"}, []string{"msg_1"}},
			{"by recipient", MessageFilter{Tenant: "acme", Consent: "consent_3"}, []string{"msg_3"}},
			{"by reference", MessageFilter{Tenant: "acme", Reference: "order-2"}, []string{"msg_2"}},
			{"from a time on, inclusive", MessageFilter{Tenant: "acme", CreatedAfter: start.Add(time.Minute)}, []string{"msg_3", "msg_2"}},
			{"before a time, exclusive", MessageFilter{Tenant: "acme", CreatedBefore: start.Add(time.Minute)}, []string{"msg_1"}},
			{"by all of it", MessageFilter{Tenant: "acme", Lane: "high", Status: "accepted", Consent: "consent_1", Reference: "order-1"}, []string{"msg_1"}},
			{"by what fits none together", MessageFilter{Tenant: "acme", Lane: "high", Status: "dispatching"}, nil},
			{"by another tenant's", MessageFilter{Tenant: "other", Status: "dispatching"}, nil},
		} {
			tt.filter.Limit = 10
			got, next, err := h.queries().Messages(t.Context(), tt.filter)
			if ids := idsOfMessages(got); !slices.Equal(ids, tt.want) || next != nil || err != nil {
				t.Errorf("%s: %v, next %v, %v; want %v", tt.name, ids, next, err, tt.want)
			}
		}
	})
}

func TestPagesJoinOnEvenAmongEqualTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		var want []string
		for i := range 7 {
			if i == 3 {
				time.Sleep(time.Second)
			}
			h.accept(t, "acme", fmt.Sprint("msg_", i), nil)
			want = append([]string{fmt.Sprint("msg_", i)}, want...)
		}
		for limit := 1; limit <= 8; limit++ {
			var got []string
			filter := MessageFilter{Tenant: "acme", Limit: limit}
			for {
				page, next, err := h.queries().Messages(t.Context(), filter)
				if err != nil || len(page) == 0 || len(page) > limit {
					t.Fatalf("a page of %d, %v; the limit is %d", len(page), err, limit)
				}
				got = append(got, idsOfMessages(page)...)
				if filter.After = next; next == nil {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, want)
			}
		}
	})
}

func TestDueAreThoseThatWaitedTheLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		now := time.Now().UTC()
		at := func(d time.Duration, lane string) func(*events.MessageAccepted) {
			due := now.Add(d)
			return func(a *events.MessageAccepted) { a.SendAt, a.Lane = &due, lane }
		}
		h.accept(t, "acme", "msg_1", at(3*time.Minute, "bulk"))
		h.accept(t, "other", "msg_2", at(time.Minute, "bulk"))
		h.accept(t, "acme", "msg_3", at(2*time.Minute, "high"))
		h.accept(t, "acme", "msg_4", at(time.Minute, "bulk"), events.MessageCanceled{})
		for _, tt := range []struct {
			status, lane string
			by           time.Duration
			limit        int
			want         []string
		}{
			{"scheduled", "", 3 * time.Minute, 10, []string{"msg_2", "msg_3", "msg_1"}},
			{"scheduled", "", 3*time.Minute - 1, 10, []string{"msg_2", "msg_3"}},
			{"scheduled", "", 3 * time.Minute, 1, []string{"msg_2"}},
			{"scheduled", "bulk", time.Hour, 10, []string{"msg_2", "msg_1"}},
			{"scheduled", "normal", time.Hour, 10, []string{}},
			{"retrying", "", time.Hour, 10, []string{}},
			{"canceled", "", time.Hour, 10, []string{}},
		} {
			got, _, err := h.queries().Due(t.Context(), tt.status, tt.lane, now.Add(tt.by), nil, tt.limit)
			if !slices.Equal(got, tt.want) || err != nil {
				t.Errorf("%s of lane %q by %v: %v, %v; want %v", tt.status, tt.lane, tt.by, got, err, tt.want)
			}
		}
		_, last, err := h.queries().Due(t.Context(), "scheduled", "", now.Add(time.Hour), nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		rest, _, err := h.queries().Due(t.Context(), "scheduled", "", now.Add(time.Hour), last, 10)
		if !slices.Equal(rest, []string{"msg_3", "msg_1"}) || err != nil {
			t.Errorf("after the first: %v, %v", rest, err)
		}
	})
}

func TestWhoseAProvidersMessageIsAndWhatIsUnderWay(t *testing.T) {
	h := newHouse()
	h.accept(t, "acme", "msg_1", nil, attempted, sent)
	h.accept(t, "acme", "msg_2", nil, attempted)
	h.accept(t, "acme", "msg_3", nil)
	h.accept(t, "other", "msg_4", nil, attempted)
	h.accept(t, "acme", "msg_5", func(a *events.MessageAccepted) { a.Consent = "consent_5" }, attempted)
	q := h.queries()
	for id, want := range map[string]bool{"SM1": true, "SM2": false, "": false} {
		if bound, err := q.Bound(t.Context(), id); bound != want || err != nil {
			t.Errorf("Bound(%q) = %v, %v; want %v", id, bound, err, want)
		}
	}
	for _, of := range []struct{ provider, id, want string }{
		{"twilio", "SM1", "msg_1"}, {"", "SM1", "msg_1"}, {"acme", "SM1", ""}, {"twilio", "SM2", ""},
	} {
		if id, err := q.SentAs(t.Context(), of.provider, of.id); id != of.want || err != nil {
			t.Errorf("SentAs(%q, %q) = %q, %v; want %q", of.provider, of.id, id, err, of.want)
		}
	}
	h.accept(t, "acme", "msg_6", nil, attempted, sent)
	if id, err := q.SentAs(t.Context(), "twilio", "SM1"); id != "" || err != nil {
		t.Errorf("SentAs of two messages = %q, %v", id, err)
	}
	if ids, err := q.UnderWay(t.Context(), "acme", "consent_1"); !slices.Equal(ids, []string{"msg_2"}) || err != nil {
		t.Errorf("UnderWay = %v, %v; want msg_2", ids, err)
	}
	counts, err := q.CountByStatus(t.Context())
	if diff := cmp.Diff(map[string]int64{"dispatched": 2, "dispatching": 3, "accepted": 1}, counts); diff != "" || err != nil {
		t.Errorf("CountByStatus: %v (-want +got):\n%s", err, diff)
	}
}

func TestWhatIsInDoubtOrGivenUpIsCounted(t *testing.T) {
	h := newHouse()
	doubt := events.MessageInDoubt{Attempt: 1, Cause: "timeout"}
	h.accept(t, "acme", "msg_1", nil, attempted, doubt)
	h.accept(t, "other", "msg_2", func(a *events.MessageAccepted) { a.Lane = "bulk" }, attempted, doubt)
	h.accept(t, "acme", "msg_3", nil, attempted, doubt, events.MessageDeadLettered{Reason: "in_doubt"})
	h.accept(t, "acme", "msg_4", nil, attempted)
	if n, err := h.queries().InDoubt(t.Context(), time.Now().Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("InDoubt = %d, %v; want 2", n, err)
	}
	if n, err := h.queries().DeadLetterCount(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("DeadLetterCount = %d, %v; want 1", n, err)
	}
}

func TestWhatCouldBeClaimedIsCountedByLane(t *testing.T) {
	h := newHouse()
	later := time.Now().Add(time.Hour)
	h.accept(t, "acme", "msg_1", func(a *events.MessageAccepted) { a.Lane = "high" })
	h.accept(t, "acme", "msg_2", func(a *events.MessageAccepted) { a.Lane = "bulk" }, attempted)
	h.accept(t, "acme", "msg_3", func(a *events.MessageAccepted) { a.Lane, a.SendAt = "bulk", &later })
	for wait, want := range map[time.Duration]map[string]int64{0: {"high": 1}, 2 * time.Hour: {"high": 1, "bulk": 1}} {
		got, err := h.queries().Waiting(t.Context(), time.Now().Add(wait))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Waiting in %s: %v (-want +got):\n%s", wait, err, diff)
		}
	}
}

func TestKeysAreListedByTenantInPages(t *testing.T) {
	h := newHouse()
	for i, tenant := range []string{"acme", "other", "acme", "acme"} {
		h.append(t, fmt.Sprint("key_", i), events.KeyIssued{Tenant: tenant})
	}
	if err := h.runner.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[string][]string{"acme": {"3", "2", "0"}, "other": {"1"}, "": {"3", "2", "1", "0"}, "nobody": nil} {
		var got []string
		var after *ports.Cursor
		for {
			page, next, err := h.queries().Keys(t.Context(), tenant, 2, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range page {
				got = append(got, k.ID)
			}
			if after = next; next == nil {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("keys of %q: %v, want %v", tenant, got, want)
		}
	}
}
