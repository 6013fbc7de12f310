package commands

import (
	"errors"
	"slices"
	"testing"

	"github.com/pro-sms/prosms/events"
)

func TestAPreviewShowsWhatASendWouldComeToAndStoresNothing(t *testing.T) {
	w := newWorld(t)
	request := Send{To: "+14155552671", Body: "漢 hello 漢", Lane: "high"}
	got, err := w.handler.Preview(t.Context(), caller, request)
	if err != nil || got.OptedOut || !slices.Equal(got.ForcedBy, []string{"漢"}) || got.Text.Encoding != "UCS-2" || got.Text.Segments != 1 || got.Text.Lane != "high" {
		t.Errorf("forced by %q, %s, %d segments, lane %s, opted out %v, %v", got.ForcedBy, got.Text.Encoding, got.Text.Segments, got.Text.Lane, got.OptedOut, err)
	}
	if head, err := w.store.Head(t.Context()); head.LastPosition != 0 || err != nil {
		t.Errorf("something was stored, %v", err)
	}
	w.record(w.handler.Lookup.ConsentStream("acme", "+14155552671"), events.ConsentOptedOut{Number: "+14155552671", Source: "api"})
	for tenant, want := range map[string]bool{"acme": true, "other": false} {
		if got, err := w.handler.Preview(t.Context(), Caller{Tenant: tenant}, request); got.OptedOut != want || err != nil {
			t.Errorf("opted out towards %s: %v, %v; want %v", tenant, got.OptedOut, err, want)
		}
	}
	var invalid Invalid
	if _, err := w.handler.Preview(t.Context(), caller, Send{To: "+14155552671"}); !errors.As(err, &invalid) {
		t.Errorf("without a body: %v, want Invalid", err)
	}
}
