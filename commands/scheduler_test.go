package commands

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// office is a world with a scheduler, whose view is caught up with the log
// before each round unless the test leaves that out.
type office struct {
	*world
	bus       *wire
	depth     map[string]int
	runner    *projections.Runner
	queries   projections.Queries
	scheduler *Scheduler
}

func newOffice(t *testing.T) *office {
	o := &office{world: newWorld(t), bus: &wire{}, depth: map[string]int{}}
	views, log := &memory.Views{}, slog.New(slog.DiscardHandler)
	o.queries = projections.Queries{Store: o.store, Views: views}
	o.runner = &projections.Runner{Store: o.store, Views: views, Projections: []projections.Projection{projections.Messages()}, Log: log}
	o.scheduler = &Scheduler{
		Store: o.store, Bus: o.bus, Log: log,
		Due: func(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
			return o.queries.Due(ctx, string(status), string(lane), by, after, limit)
		},
		Depth: func(_ context.Context, topic string) (int, error) { return o.depth[topic], nil },
		Reconciler: &Reconciler{
			Store: o.store, Providers: o.dispatcher.Providers, Log: log,
			Delays:   func(domain.Lane) []time.Duration { return []time.Duration{time.Hour} },
			Resend:   func(domain.Lane, bool) bool { return false },
			Bound:    o.queries.Bound,
			UnderWay: o.queries.UnderWay,
			Schedule: o.dispatcher.Schedule,
		},
	}
	return o
}

func (o *office) catchUp() {
	o.t.Helper()
	if err := o.runner.CatchUp(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// issued returns the work of one round, whatever its lane.
func (o *office) issued() []ports.Work {
	o.t.Helper()
	o.catchUp()
	if err := o.scheduler.issueRound(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	var issued []ports.Work
	for _, frames := range o.bus.take(o.t) {
		issued = append(issued, slices.Concat(frames...)...)
	}
	return issued
}

func (o *office) expectIssued(when string, want ...ports.Work) {
	o.t.Helper()
	if got := o.issued(); !slices.Equal(got, want) {
		o.t.Errorf("%s: issued %v, want %v", when, got, want)
	}
}

func TestWhatIsDueIsReleasedAndNotBefore(t *testing.T) {
	for name, waits := range map[string]func(due time.Time) []events.Event{
		"scheduled": func(due time.Time) []events.Event {
			scheduled := text(domain.Normal)
			scheduled.SendAt = &due
			return []events.Event{scheduled}
		},
		"retrying": func(due time.Time) []events.Event {
			return []events.Event{
				text(domain.Normal), events.MessageAttempted{Attempt: 1},
				events.MessageFailed{Attempt: 1}, events.MessageRetried{Attempt: 2, DueAt: due},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				log := waits(time.Now().Add(time.Minute).UTC())
				o.record("msg_1", log...)
				coming := ports.Work{MessageID: "msg_1", Attempt: 1}
				if len(log) > 1 {
					coming.Attempt = 2
				}
				o.expectIssued("at first")
				time.Sleep(time.Minute - time.Microsecond)
				o.expectIssued("just before")
				time.Sleep(time.Microsecond)
				o.expectIssued("when due", coming)
				time.Sleep(30 * time.Second)
				o.expectIssued("while it is under way in the bus")
				time.Sleep(time.Microsecond)
				o.expectIssued("after a while without a claim", coming)
				o.record("msg_1", events.MessageAttempted{Attempt: coming.Attempt})
				time.Sleep(time.Minute)
				o.expectIssued("once claimed")
			})
		})
	}
}

func TestAcceptedWorkIsIssuedAgainOnlyWhenItsQueueIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Bulk))
		o.depth["sms.dispatch.bulk"] = 1
		time.Sleep(time.Hour)
		o.expectIssued("with work in the queue")
		o.depth["sms.dispatch.bulk"], o.depth["sms.dispatch.high"] = 0, 1
		o.expectIssued("with its own queue empty", ports.Work{MessageID: "msg_1", Attempt: 1})
		o.record("msg_2", text(domain.Bulk))
		time.Sleep(30*time.Second - time.Microsecond)
		o.expectIssued("before the new one is overdue")
	})
}

func TestNothingIsIssuedToALongQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.scheduler.MaxDepth = 10
		due := time.Now().UTC().Add(time.Second)
		scheduled := text(domain.Normal)
		scheduled.SendAt = &due
		o.record("msg_1", scheduled)
		time.Sleep(time.Second)
		o.depth["sms.dispatch.normal"] = 10
		o.expectIssued("with 10 waiting")
		o.depth["sms.dispatch.normal"] = 9
		o.expectIssued("with 9 waiting", ports.Work{MessageID: "msg_1", Attempt: 1})
	})
}

func TestWorkThatCouldNotBePublishedIsIssuedInTheNextRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Normal))
		time.Sleep(time.Minute)
		o.catchUp()
		o.bus.refuse = map[string]error{"sms.dispatch.normal": fmt.Errorf("broker: %w", ports.ErrUnavailable)}
		if err := o.scheduler.issueRound(t.Context()); err == nil {
			t.Error("the round hides that the bus refused")
		}
		o.bus.refuse = nil
		o.expectIssued("in the next round", ports.Work{MessageID: "msg_1", Attempt: 1})
	})
}

func TestAnAttemptWithoutOutcomeBecomesADoubtByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		time.Sleep(time.Minute - time.Microsecond)
		o.doubts()
		o.expect("msg_1", "message.accepted", "message.attempted")
		time.Sleep(time.Microsecond)
		o.doubts()
		o.expect("msg_1", "message.accepted", "message.attempted", "message.in_doubt")
	})
}

func TestWhoIsAloneAbandonsTheAttemptsOfAnEarlierProcessAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		time.Sleep(time.Second)
		o.scheduler.AloneSince = time.Now()
		time.Sleep(time.Second)
		o.record("msg_2", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		o.doubts()
		o.expect("msg_1", "message.accepted", "message.attempted", "message.in_doubt")
		o.expect("msg_2", "message.accepted", "message.attempted")
	})
}

func TestAViewThatIsBehindCallsNoFreshAttemptInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"})
		o.catchUp()
		time.Sleep(2 * time.Minute)
		again := []events.Event{
			events.MessageFailed{Attempt: 1}, events.MessageRetried{Attempt: 2}, events.MessageAttempted{Attempt: 2, Provider: "carrier"},
		}
		o.record("msg_1", again...)
		if err := o.scheduler.doubtRound(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.expect("msg_1", "message.accepted", "message.attempted", "message.failed", "message.retried", "message.attempted")
	})
}

// doubts has one round see to attempts without an outcome and to doubts.
func (o *office) doubts() {
	o.t.Helper()
	o.catchUp()
	if err := o.scheduler.doubtRound(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

func TestTheSchedulerRunsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.record("msg_1", text(domain.Normal))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.scheduler.Run(ctx) }()
		time.Sleep(time.Minute)
		o.catchUp()
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := o.bus.take(t)["sms.dispatch.normal"]; len(got) != 1 {
			t.Errorf("issued %v; want the lost work once", got)
		}
	})
}

func TestWhatCannotBeSentKeepsNothingBehindItWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.scheduler.Limit = 2
		o.scheduler.Shut = func(id string, _ domain.Message) bool { return id < "msg_5" }
		due := time.Now().Add(time.Minute).UTC()
		scheduled := text(domain.Normal)
		scheduled.SendAt = &due
		for i := range 7 {
			o.record(fmt.Sprint("msg_", i), scheduled)
		}
		time.Sleep(time.Minute)
		o.expectIssued("the first two, which are shut")
		o.expectIssued("the next two, which are shut")
		o.expectIssued("one that is shut, one that is not", ports.Work{MessageID: "msg_5", Attempt: 1})
		o.expectIssued("the last", ports.Work{MessageID: "msg_6", Attempt: 1})
		o.scheduler.Shut = nil
		o.expectIssued("from the start again", ports.Work{MessageID: "msg_0", Attempt: 1}, ports.Work{MessageID: "msg_1", Attempt: 1})
	})
}
