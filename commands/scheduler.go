package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Scheduler sees to what waits for a time: it releases what is due, issues again
// what the bus has lost, calls attempts that never got an outcome in doubt, and
// has doubts looked up. It acts on the log and only uses the view to find
// candidates, so a stale view costs time and nothing else.
//
// One instance runs it at a time (ports.Leader); two would do no harm.
type Scheduler struct {
	Store      ports.EventStore
	Bus        message.Publisher
	Due        func(ctx context.Context, status domain.Status, by time.Time, limit int) ([]string, error)
	Depth      func(ctx context.Context, topic string) (int, error) // of a lane's queue
	Reconciler *Reconciler
	// Abandoned is the age at which an attempt without an outcome counts as left
	// behind by a crash. It must exceed the provider's timeout: while a call is
	// under way, no look-up may say that nothing was sent. 0: 1 min
	Abandoned time.Duration
	// AloneSince is when this process became the only one on its store: attempts
	// of an earlier one are abandoned for certain. Zero: there may be others.
	AloneSince time.Time
	Overdue    time.Duration    // how long accepted work may wait before an empty queue means that it was lost; 0: 30 s
	Interval   time.Duration    // between rounds; 0: 500 ms
	Limit      int              // messages of each kind in a round; 0: 500
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger

	issued map[string]time.Time // work issued lately, by attempt id; only Run's goroutine uses it
}

// Run schedules until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	s.issued = map[string]time.Time{}
	for {
		if err := s.round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("scheduling", "error", err)
		}
		if wait(ctx, orDefault(s.Interval, 500*time.Millisecond)) != nil {
			return nil
		}
	}
}

// round does everything once. A part that fails does not keep the others.
func (s *Scheduler) round(ctx context.Context) error {
	now := s.now()
	for id, at := range s.issued {
		if now.Sub(at) > s.overdue() {
			delete(s.issued, id)
		}
	}
	return errors.Join(
		s.release(ctx, domain.Retrying, now),
		s.release(ctx, domain.Scheduled, now),
		s.reissue(ctx, now),
		s.abandon(ctx, now),
		s.reconcile(ctx, now),
	)
}

// release hands what is due to its lane.
func (s *Scheduler) release(ctx context.Context, status domain.Status, now time.Time) error {
	waiting, err := s.waiting(ctx, status, now)
	if err != nil {
		return err
	}
	return s.issue(ctx, waiting, now)
}

// reissue hands accepted work to its lane once more when its queue is empty: then
// the work was lost on the way.
func (s *Scheduler) reissue(ctx context.Context, now time.Time) error {
	waiting, err := s.waiting(ctx, domain.Accepted, now.Add(-s.overdue()))
	if err != nil || len(waiting) == 0 {
		return err
	}
	empty := map[domain.Lane]bool{}
	for _, lane := range domain.Lanes {
		depth, err := s.Depth(ctx, ports.DispatchTopic(lane))
		if err != nil {
			return fmt.Errorf("asking for the depth of lane %s: %w", lane, err)
		}
		empty[lane] = depth == 0
	}
	var lost []stream[domain.Message]
	for _, m := range waiting {
		if empty[domain.Lane(m.State.Text.Lane)] {
			lost = append(lost, m)
		}
	}
	return s.issue(ctx, lost, now)
}

// waiting loads messages that the view shows as due, if they still wait.
func (s *Scheduler) waiting(ctx context.Context, status domain.Status, by time.Time) ([]stream[domain.Message], error) {
	found, err := s.due(ctx, status, by)
	if err != nil {
		return nil, err
	}
	var waiting []stream[domain.Message]
	for _, m := range found {
		if m.State.Waiting() && !m.State.DueAt.After(s.now()) {
			waiting = append(waiting, m)
		}
	}
	return waiting, nil
}

func (s *Scheduler) due(ctx context.Context, status domain.Status, by time.Time) ([]stream[domain.Message], error) {
	ids, err := s.Due(ctx, status, by, orDefault(s.Limit, 500))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	streams, err := s.Store.LoadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make([]stream[domain.Message], 0, len(ids))
	for _, id := range ids {
		found = append(found, fold[domain.Message](id, streams[id]))
	}
	return found, nil
}

// issue publishes work, each attempt once in a while only.
func (s *Scheduler) issue(ctx context.Context, waiting []stream[domain.Message], now time.Time) error {
	relay := Relay{Bus: s.Bus}
	var errands []errand
	for _, m := range waiting {
		work := ports.Work{MessageID: m.ID, Attempt: m.State.Attempt + 1}
		if id := domain.AttemptID(work.MessageID, work.Attempt); s.issued[id].IsZero() {
			errands = append(errands, errand{work: work, lane: domain.Lane(m.State.Text.Lane)})
		}
	}
	for _, group := range relay.group(errands) {
		msg, err := workMessage(ctx, group[0].lane, group)
		if err != nil {
			return err
		}
		if err := s.Bus.Publish(ports.DispatchTopic(group[0].lane), msg); err != nil {
			return fmt.Errorf("issuing work: %w", err)
		}
		for _, e := range group {
			s.issued[domain.AttemptID(e.work.MessageID, e.work.Attempt)] = now
		}
	}
	return nil
}

// abandon calls attempts in doubt whose process is gone.
func (s *Scheduler) abandon(ctx context.Context, now time.Time) error {
	by := now.Add(-orDefault(s.Abandoned, time.Minute))
	if s.AloneSince.After(by) {
		by = s.AloneSince
	}
	ids, err := s.Due(ctx, domain.Dispatching, by, orDefault(s.Limit, 500))
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, _, err := execute(ctx, s.Store, id, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
			return domain.RecordDoubt{Attempt: m.State.Attempt, Cause: "crash"}, m.consequence("scheduler"), nil
		})
		if err != nil {
			return fmt.Errorf("calling %s in doubt: %w", id, err)
		}
	}
	return nil
}

// reconcile has doubts looked up whose time has come.
func (s *Scheduler) reconcile(ctx context.Context, now time.Time) error {
	ids, err := s.Due(ctx, domain.InDoubt, now, orDefault(s.Limit, 500))
	if err != nil {
		return err
	}
	return s.Reconciler.Reconcile(ctx, ids, now)
}

func (s *Scheduler) overdue() time.Duration { return orDefault(s.Overdue, 30*time.Second) }

func (s *Scheduler) now() time.Time {
	if s.Now == nil {
		return time.Now().UTC()
	}
	return s.Now().UTC()
}
