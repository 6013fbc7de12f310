package commands

import (
	"errors"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestWhatWaitsIsCanceledAndNeverSent(t *testing.T) {
	w := newWorld(t)
	work := w.accept(1)
	for range 2 { // the second time does nothing
		if err := w.handler.Cancel(t.Context(), caller, work[0].MessageID); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.canceled")
}

func TestWhatCannotBeCanceled(t *testing.T) {
	claimed := []events.Event{text(domain.Normal), events.MessageAttempted{Attempt: 1}}
	for _, tt := range []struct {
		name   string
		caller Caller
		id     string
		log    []events.Event
		want   error
	}{
		{"a message that was claimed", caller, "msg_1", claimed, domain.ErrClaimed},
		{"one that waits between two attempts", caller, "msg_1", append(claimed[:2:2], events.MessageRetried{Attempt: 2}), domain.ErrClaimed},
		{"one that is opted out", caller, "msg_1", []events.Event{text(domain.Normal), events.MessageOptedOut{}}, domain.ErrFinal},
		{"another tenant's", Caller{Tenant: "other"}, "msg_1", []events.Event{text(domain.Normal)}, domain.ErrNotFound},
		{"another tenant's that was claimed", Caller{Tenant: "other"}, "msg_1", claimed, domain.ErrNotFound},
		{"one that does not exist", caller, "msg_2", []events.Event{text(domain.Normal)}, domain.ErrNotFound},
		{"what is no message", caller, "key_1", []events.Event{events.KeyIssued{Tenant: "acme"}}, domain.ErrNotFound},
	} {
		w := newWorld(t)
		stored := "msg_1"
		if tt.id == "key_1" {
			stored = tt.id
		}
		w.record(stored, tt.log...)
		if err := w.handler.Cancel(t.Context(), tt.caller, tt.id); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if n := len(w.types(stored)); n != len(tt.log) {
			t.Errorf("%s: %d events were added", tt.name, n-len(tt.log))
		}
	}
}
