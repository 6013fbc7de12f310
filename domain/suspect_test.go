package domain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestWhatMayHaveBeenSentSinceABackupIsInDoubt(t *testing.T) {
	attempted := events.MessageAttempted{Attempt: 1, AttemptID: "m/1", Provider: "acme"}
	doubt := events.MessageInDoubt{Attempt: 1, Provider: "acme", Cause: domain.CauseRestored}
	for _, tt := range []struct {
		name  string
		given []events.Event
		want  []events.Event
	}{
		{"waiting", []events.Event{text}, []events.Event{attempted, doubt}},
		{"not yet due", []events.Event{later}, nil},
		{"claimed", []events.Event{text, attempted}, []events.Event{doubt}},
		{"in doubt already, for a shorter time", []events.Event{text, attempted, events.MessageInDoubt{Attempt: 1, Provider: "acme", Cause: "timeout"}}, []events.Event{doubt}},
		{"sent", []events.Event{text, attempted, events.MessageDispatched{Attempt: 1}}, nil},
		{"canceled", []events.Event{text, events.MessageCanceled{}}, nil},
	} {
		var m domain.Message
		for _, e := range tt.given {
			m = m.Evolve(e)
		}
		got, err := m.Decide(domain.Suspect{ID: "m/1", Provider: "acme", Now: noon.Add(time.Second)})
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}
