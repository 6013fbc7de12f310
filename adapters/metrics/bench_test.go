package metrics_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// idle is a ports.EventStore that does nothing.
type idle struct{ ports.EventStore }

func (idle) Append(_ context.Context, writes ...ports.Write) ([]ports.Result, error) {
	return make([]ports.Result, len(writes)), nil
}

// BenchmarkAppend measures what measuring costs a commit, as many events as named.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 256} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			store := newMetrics(false).EventStore(idle{})
			writes := make([]ports.Write, n)
			for i := range writes {
				writes[i] = ports.Write{Events: []events.Event{events.MessageAttempted{Attempt: 1}}}
			}
			for b.Loop() {
				if _, err := store.Append(b.Context(), writes...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
