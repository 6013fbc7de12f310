package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// kept is work that the gate does not admit, in its order.
type kept struct {
	work  []ports.Work
	delay Delay // the shortest
	paced bool  // some of it waits for its turn, and not for a breaker
}

func (k *kept) add(work ports.Work, delay Delay) {
	if len(k.work) == 0 || delay.sooner(k.delay) {
		k.delay = delay
	}
	k.paced = k.paced || delay.Reason == domain.DeferredForPacing
	k.work = append(k.work, work)
}

// hold keeps a frame, and so its subscription's place in the queue, until all of
// it is claimed: consuming pauses, no attempt is used, and no more is in memory
// than a frame for each subscription. Frames of a lane go on one after the other,
// urgent ones a few at a time.
// What is still held after HoldLimit is deferred in the log; after HoldAside, if
// all of it waits for a breaker while behind it may be what others can send.
func (d *Dispatcher) hold(ctx context.Context, lane domain.Lane, k kept) error {
	limit := time.NewTimer(d.holdLimit(k))
	defer limit.Stop()
	select {
	case d.turns[lane] <- struct{}{}:
		defer func() { <-d.turns[lane] }()
	case <-limit.C:
		return d.postpone(ctx, k)
	case <-ctx.Done():
		return errClosed
	}
	for {
		changed := d.Gate.Changed() // before asking: no change is missed
		var err error
		if k, err = d.round(ctx, lane, k.work); err != nil || len(k.work) == 0 {
			return err
		}
		again := time.NewTimer(d.pause(k.delay))
		select {
		case <-changed:
		case <-again.C:
		case <-limit.C:
			again.Stop()
			return d.postpone(ctx, k)
		case <-ctx.Done():
			again.Stop()
			return errClosed
		}
		again.Stop()
	}
}

func (d *Dispatcher) holdLimit(k kept) time.Duration {
	passes := func(p ports.Provider) bool { return d.Gate.Closed(p.Name()) }
	if !k.paced && slices.ContainsFunc(d.Providers.All, passes) {
		return orDefault(d.HoldAside, 5*time.Second)
	}
	return orDefault(d.HoldLimit, 10*time.Minute)
}

// pause returns how long to wait before asking the gate again, if it does not
// speak up.
func (d *Dispatcher) pause(delay Delay) time.Duration {
	const longest = 30 * time.Second
	shortest := time.Millisecond
	if delay.Reason == domain.DeferredForBreaker {
		shortest = time.Second // it speaks up
	}
	if delay.Until.IsZero() {
		return longest
	}
	return min(max(delay.Until.Sub(d.now()), shortest), longest)
}

// postpone defers what is held: the scheduler issues it again.
func (d *Dispatcher) postpone(ctx context.Context, k kept) error {
	ids := make([]string, len(k.work))
	for i, w := range k.work {
		ids[i] = w.MessageID
	}
	streams, err := readable(d.Store.LoadMany(ctx, ids))
	if err != nil {
		return err
	}
	until := later(k.delay.Until.UTC(), d.now().Add(30*time.Second))
	var writes []ports.Write
	for _, w := range k.work {
		s := fold[domain.Message](w.MessageID, streams[w.MessageID])
		decided, err := s.State.Decide(domain.Defer{Attempt: w.Attempt, Until: until, Reason: k.delay.Reason})
		if err != nil || len(decided) == 0 {
			continue
		}
		writes = append(writes, ports.Write{StreamID: s.ID, Expected: s.Version, Events: decided, Meta: s.consequence("dispatcher")})
	}
	if len(writes) == 0 {
		return nil
	}
	results, err := d.Store.Append(ctx, writes...)
	if err != nil {
		return fmt.Errorf("deferring %d messages: %w", len(writes), err)
	}
	deferred := 0
	for i, result := range results {
		if _, ok := writes[i].Events[0].(events.MessageDeferred); ok && result.Err == nil {
			deferred++
		}
	}
	d.Log.Info("deferred what had to wait for long", "messages", deferred, "reason", k.delay.Reason, "until", until)
	return nil
}
