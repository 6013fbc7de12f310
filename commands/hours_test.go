package commands

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestAMarketingTextIsClaimedInItsHoursOnly(t *testing.T) {
	window, err := quiethours.Parse("09:00-20:00")
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := quiethours.Parse("09:00-09:10")
	if err != nil {
		t.Fatal(err)
	}
	const evening = "2026-01-15T22:30:00-08:00" // in San Francisco
	for _, tt := range []struct {
		name   string
		window quiethours.Window
		text   Send
		want   []string // events; with a deferral, its end
		until  string
	}{
		{"by the number's zone", window, Send{Kind: "marketing"}, []string{"message.accepted", "message.deferred"}, "2026-01-16T09:00:00-08:00"},
		{"by the zone that was named", window, Send{Kind: "marketing", TimeZone: "Asia/Tokyo"}, []string{"message.accepted", "message.attempted", "message.dispatched"}, ""},
		{"toll-free: where all 50 states are up", window, Send{Kind: "marketing", To: "+18005551212"}, []string{"message.accepted", "message.deferred"}, "2026-01-16T14:00:00-05:00"},
		{"transactional texts are exempt", window, Send{Kind: "transactional"}, []string{"message.accepted", "message.attempted", "message.dispatched"}, ""},
		{"it would expire meanwhile", window, Send{Kind: "marketing", ExpiresAt: "2026-01-16T08:59:59-08:00"}, []string{"message.accepted", "message.expired"}, ""},
		{"its hours come in time", window, Send{Kind: "marketing", ExpiresAt: "2026-01-16T09:00:01-08:00"}, []string{"message.accepted", "message.deferred"}, "2026-01-16T09:00:00-08:00"},
		{"zones without a common hour", narrow, Send{Kind: "marketing", To: "+12085551234"}, []string{"message.accepted", "message.dead_lettered"}, ""},
		{"without hours nothing waits", quiethours.Window{}, Send{Kind: "marketing"}, []string{"message.accepted", "message.attempted", "message.dispatched"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			now, err := time.Parse(time.RFC3339, evening)
			if err != nil {
				t.Fatal(err)
			}
			clock := func() time.Time { return now }
			w.handler.Now, w.dispatcher.Now, w.dispatcher.Hours = clock, clock, Hours{Window: tt.window}
			tt.text.Body = "sale"
			if tt.text.To == "" {
				tt.text.To = "+14155552671"
			}
			sent, err := w.handler.Send(t.Context(), caller, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			work := []ports.Work{{MessageID: sent.ID, Attempt: 1}}
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
				t.Fatal(err)
			}
			w.settled()
			w.expect(sent.ID, tt.want...)
			if tt.until == "" {
				return
			}
			recorded, err := w.store.Load(t.Context(), sent.ID)
			if err != nil {
				t.Fatal(err)
			}
			until, err := time.Parse(time.RFC3339, tt.until)
			if got := recorded[1].Data.(events.MessageDeferred); err != nil || !got.Until.Equal(until) {
				t.Errorf("deferred until %s, want %s (%v)", got.Until, until, err)
			}
			// Its time has come, and its recipient has opted out.
			now = until
			w.record(w.handler.Lookup.ConsentStream(EveryTenant, events.Personal(tt.text.To)), events.ConsentOptedOut{Source: "keyword"})
			if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
				t.Fatal(err)
			}
			w.expect(sent.ID, "message.accepted", "message.deferred", "message.opted_out")
		})
	}
}
