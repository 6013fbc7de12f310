package domain_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestAnEventIsSkippedOnceForARevision(t *testing.T) {
	first := events.ProjectionSkipped{Projection: "messages", Revision: 1, Position: 7, By: "ada", Reason: "malformed"}
	later := first
	later.Revision = 2
	skipped := domain.Skips{}.Evolve(first)
	for _, tt := range []struct {
		name  string
		given domain.Skips
		when  domain.Command
		then  []events.Event
		err   error
	}{
		{"one that stops it", domain.Skips{}, domain.SkipEvent{Skipped: first}, []events.Event{first}, nil},
		{"the same", skipped, domain.SkipEvent{Skipped: first}, nil, domain.ErrSkipped},
		{"by a later revision", skipped, domain.SkipEvent{Skipped: later}, []events.Event{later}, nil},
		{"something else", skipped, domain.Cancel{}, nil, domain.ErrUnknownCommand},
	} {
		got, err := tt.given.Decide(tt.when)
		if diff := cmp.Diff(tt.then, got); diff != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}
