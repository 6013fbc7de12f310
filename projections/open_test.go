package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
)

func TestTheDaysOfOpenMessagesAreThoseOnWhichTheirBodyMayBeSealed(t *testing.T) {
	h := newHouse()
	later := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	h.accept(t, "acme", "msg_done", nil, events.MessageCanceled{By: "test"})
	now := time.Now().UTC()
	days, err := h.queries().OpenDays(t.Context(), now.Add(time.Hour))
	if err != nil || len(days) > 0 {
		t.Errorf("of what is at its end: %v, %v", days, err)
	}
	for i := range scanned + 2 { // more than a page
		h.append(t, fmt.Sprint("msg_open_", i), acceptedNow)
	}
	h.accept(t, "other", "msg_later", func(m *events.MessageAccepted) { m.SendAt = &later })
	want := map[string]bool{"2031-05-01": true}
	for _, at := range []time.Time{time.Now().UTC(), now, now.Add(-24 * time.Hour)} {
		want[at.Format(time.DateOnly)] = true
	}
	days, err = h.queries().OpenDays(t.Context(), now.Add(time.Hour))
	if diff := cmp.Diff(want, days); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	days, err = h.queries().OpenDays(t.Context(), now.Add(-time.Hour))
	if err != nil || len(days) > 0 {
		t.Errorf("of what began before: %v, %v", days, err)
	}
}
