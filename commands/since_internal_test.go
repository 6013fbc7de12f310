package commands

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestATextIsLateOnlyFromWhenItWasToBeSent(t *testing.T) {
	start := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	later := start.Add(time.Hour)
	for _, tt := range []struct {
		name string
		then []events.Event // a minute after one another
		want time.Time
	}{
		{"accepted and tried again", []events.Event{events.MessageAccepted{}, events.MessageAttempted{Attempt: 1}, events.MessageRetried{Attempt: 2}}, start},
		{"for later", []events.Event{events.MessageAccepted{SendAt: &later}}, later},
		{"within quiet hours", []events.Event{events.MessageAccepted{}, events.MessageDeferred{Until: later, Reason: "quiet_hours"}}, later},
		{"held back by pacing, which is our doing", []events.Event{events.MessageAccepted{}, events.MessageDeferred{Until: later, Reason: "pacing"}}, start},
		{"sent again by an operator", []events.Event{events.MessageAccepted{}, events.MessageDeadLettered{}, events.MessageRedriven{}}, start.Add(2 * time.Minute)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var recorded []events.Recorded
			for i, e := range tt.then {
				recorded = append(recorded, events.Recorded{Data: e, Version: i + 1, RecordedAt: start.Add(time.Duration(i) * time.Minute)})
			}
			if got := fold[domain.Message]("msg_1", recorded).Since; !got.Equal(tt.want) {
				t.Errorf("Since = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheLogNamesTheTraceOfAStream(t *testing.T) {
	s := stream[domain.Message]{Origin: events.Meta{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	if got := s.trace().Value.String(); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace id %q", got)
	}
	if got := (stream[domain.Message]{}).trace(); got.Key != "" {
		t.Errorf("a stream without a trace logs %v", got)
	}
}
