package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Scheduler sees to what waits for a time: it releases what is due, issues again
// what the bus has lost, calls attempts that never got an outcome in doubt, has
// doubts looked up, and has receipts asked for that did not come. It acts on the log and only uses the view to find
// candidates, so a stale view costs time and nothing else.
//
// One instance runs it at a time (ports.Leader); two would do no harm.
type Scheduler struct {
	Store ports.EventStore
	Bus   message.Publisher
	// Due returns ids of messages of a status, and of a lane unless that is empty,
	// which have waited for attention since by or longer, the longest first, after a
	// place; and the place of the last.
	Due        func(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error)
	Depth      func(ctx context.Context, topic string) (int, error) // of a lane's queue
	Reconciler *Reconciler
	// Shut reports whether nothing can send m just now; then it is not issued, for
	// it would only wait in the bus, ever again. nil: something can.
	Shut    func(id string, m domain.Message) bool
	Sweeper *Sweeper
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
	MaxDepth   int              // messages in a lane's queue beyond which nothing more is issued to it; 0: 1,000
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger

	issued map[string]time.Time // work issued lately, by attempt id; only issueRound uses it
	places sync.Map             // for status and lane: the *ports.Cursor at which the last round ended
}

// Run schedules until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	var rounds sync.WaitGroup
	interval := orDefault(s.Interval, 500*time.Millisecond)
	// Issuing may wait for a consumer in this process; doubts must not wait for
	// it, nor for a provider that is asked for receipts.
	rounds.Go(func() { s.every(ctx, interval, "issuing", s.issueRound) })
	rounds.Go(func() { s.every(ctx, interval, "resolving doubts", s.doubtRound) })
	if s.Sweeper != nil {
		rounds.Go(func() { s.every(ctx, 10*interval, "asking for receipts", s.sweepRound) })
	}
	rounds.Wait()
	return nil
}

// every repeats round until ctx ends.
func (s *Scheduler) every(ctx context.Context, interval time.Duration, what string, round func(context.Context) error) {
	for {
		if err := round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error(what, "error", err)
		}
		if wait(ctx, interval) != nil {
			return
		}
	}
}

func (s *Scheduler) sweepRound(ctx context.Context) error { return s.Sweeper.Sweep(ctx, s.now()) }

// issueRound releases what is due and issues again what was lost, in lanes whose
// queue is short: in a long one it would only wait, and be issued ever again.
func (s *Scheduler) issueRound(ctx context.Context) error {
	now := s.now()
	if s.issued == nil {
		s.issued = map[string]time.Time{}
	}
	maps.DeleteFunc(s.issued, func(_ string, at time.Time) bool { return now.Sub(at) > s.overdue() })
	depth := map[domain.Lane]int{}
	for _, lane := range domain.Lanes {
		waiting, err := s.Depth(ctx, ports.DispatchTopic(lane))
		if err != nil {
			return fmt.Errorf("asking for the depth of lane %s: %w", lane, err)
		}
		depth[lane] = waiting
	}
	var faults []error
	for _, lane := range domain.Lanes {
		if depth[lane] < orDefault(s.MaxDepth, 1000) {
			faults = append(faults, s.release(ctx, domain.Retrying, lane, now), s.release(ctx, domain.Scheduled, lane, now))
		}
		if depth[lane] == 0 {
			// Accepted work is in its queue from the start. When that is empty, it
			// was lost on the way.
			faults = append(faults, s.release(ctx, domain.Accepted, lane, now.Add(-s.overdue())))
		}
	}
	return errors.Join(faults...)
}

// doubtRound finds attempts without an outcome and has doubts looked up.
func (s *Scheduler) doubtRound(ctx context.Context) error {
	now := s.now()
	return errors.Join(s.abandon(ctx, now), s.reconcile(ctx, now))
}

// release hands what has been due since by to its lane.
func (s *Scheduler) release(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time) error {
	waiting, err := s.waiting(ctx, status, lane, by)
	if err != nil {
		return err
	}
	return s.issue(ctx, waiting)
}

// waiting loads messages that the view shows as due, if they still wait.
func (s *Scheduler) waiting(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time) ([]stream[domain.Message], error) {
	found, err := s.due(ctx, status, lane, by)
	if err != nil {
		return nil, err
	}
	var waiting []stream[domain.Message]
	for _, m := range found {
		if m.State.Waiting() && !m.State.DueAt.After(s.now()) && !s.shut(m) {
			waiting = append(waiting, m)
		}
	}
	return waiting, nil
}

// shut reports whether issuing m is of no use: nothing can send it, and its time
// has not passed, which its claim would find.
func (s *Scheduler) shut(m stream[domain.Message]) bool {
	if end := m.State.Text.ExpiresAt; end != nil && !s.now().Before(*end) {
		return false
	}
	return s.Shut != nil && s.Shut(m.ID, m.State)
}

// next returns the next messages of a status and lane that are due. It goes on where
// the last round ended, and then from the start again: what cannot be helped now,
// since its provider is shut or does not answer, keeps nothing behind it waiting.
func (s *Scheduler) next(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time) ([]string, error) {
	key, limit := [2]string{string(status), string(lane)}, orDefault(s.Limit, 500)
	place, _ := s.places.Load(key)
	after, _ := place.(*ports.Cursor)
	ids, last, err := s.Due(ctx, status, lane, by, after, limit)
	if len(ids) < limit {
		last = nil
	}
	s.places.Store(key, last)
	return ids, err
}

func (s *Scheduler) due(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time) ([]stream[domain.Message], error) {
	ids, err := s.next(ctx, status, lane, by)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	streams, err := readable(s.Store.LoadMany(ctx, ids))
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
func (s *Scheduler) issue(ctx context.Context, waiting []stream[domain.Message]) error {
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
		crash.At(crash.WorkIssued)
		for _, e := range group {
			s.issued[domain.AttemptID(e.work.MessageID, e.work.Attempt)] = s.now()
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
	ids, err := s.next(ctx, domain.Dispatching, "", by)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	streams, err := readable(s.Store.LoadMany(ctx, ids))
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range ids {
		d, _ := doubtOf(id, streams[id])
		if d.Version == 0 || d.attemptedAt.After(by) {
			continue // it cannot be read; or the view is behind: by now another attempt is under way
		}
		_, _, err := executeOn(ctx, s.Store, d.stream, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
			return domain.RecordDoubt{Attempt: d.State.Attempt, Cause: "crash"}, m.consequence("scheduler"), nil
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("calling %s in doubt: %w", id, err))
			if errors.Is(err, ports.ErrUnavailable) || ctx.Err() != nil {
				break
			}
			continue
		}
		crash.At(crash.DoubtRecorded)
	}
	return errors.Join(faults...)
}

// reconcile has doubts looked up whose time has come.
func (s *Scheduler) reconcile(ctx context.Context, now time.Time) error {
	ids, err := s.next(ctx, domain.InDoubt, "", now)
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
