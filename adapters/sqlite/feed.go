package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/ports"
)

const (
	frameSize   = 2000                  // events in a frame, at most
	pollEvery   = time.Second           // should a hint of the log get lost
	backoffFrom = 10 * time.Millisecond // after a nack or an error; doubles
	backoffTo   = time.Second
)

// Feed is the log as a message.Subscriber: messages are ports.EventFrame, from the
// first event on, each until it is acked. The subscribers of a group share one
// offset, and one of them at a time has a frame. Acks are written down a moment later:
// what a crash undoes is delivered again. A message that is neither acked
// nor nacked is waited for; when its subscription ends, its frame comes again.
type Feed struct {
	db     *DB
	group  string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	mu     sync.Mutex // guards closed against subscriptions that start
	closed bool
	tasks  sync.WaitGroup
}

// Feed returns a feed for a consumer group. It ends with Close, and with the DB.
func (d *DB) Feed(group string) *Feed {
	f := &Feed{db: d, group: group}
	f.ctx, f.cancel = context.WithCancel(d.ctx)
	return f
}

// Subscribe implements message.Subscriber. The topic says nothing: there is but
// one log.
func (f *Feed) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("subscribing to feed %s: closed", f.group)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(f.ctx, cancel)
	out := make(chan *message.Message)
	f.tasks.Add(1)
	err := f.db.spawn(func() {
		defer f.tasks.Done()
		defer cancel()
		defer stop()
		defer close(out)
		f.run(ctx, out)
	})
	if err != nil {
		f.tasks.Done()
		stop()
		cancel()
		return nil, fmt.Errorf("subscribing to feed %s: %w", f.group, err)
	}
	return out, nil
}

// Close implements message.Subscriber. It waits until all channels are closed.
func (f *Feed) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.tasks.Wait()
	return nil
}

// run delivers frame after frame until ctx ends.
func (f *Feed) run(ctx context.Context, out chan<- *message.Message) {
	backoff := backoffFrom
	for ctx.Err() == nil {
		changed := f.db.store.Changed() // before reading, so that nothing comes in between
		delivered, err := f.step(ctx, out)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			f.db.logger.WarnContext(ctx, "feed: will try again", "group", f.group, "backoff", backoff, "error", err)
			pause(ctx, nil, backoff)
			backoff = min(2*backoff, backoffTo)
		case delivered:
			backoff = backoffFrom
		default:
			pause(ctx, changed, pollEvery)
		}
	}
}

// step delivers the frame after the group's offset, if there is one, and moves
// the offset once it is acked.
func (f *Feed) step(ctx context.Context, out chan<- *message.Message) (delivered bool, err error) {
	release, err := f.db.turns.take(ctx, "feed "+f.group)
	if err != nil {
		return false, err
	}
	defer release()
	offset, err := f.db.Position(ctx, f.group)
	if err != nil {
		return false, err
	}
	frame, err := f.db.store.frame(ctx, offset)
	if err != nil || len(frame.Events) == 0 {
		return false, err
	}
	uuid := fmt.Sprintf("%s:%d-%d", f.group, frame.First, frame.Last)
	if err := deliver(ctx, out, uuid, frame.Encode()); err != nil {
		return false, err
	}
	f.db.moveOffset(f.group, frame.Last)
	return true, nil
}

// frame returns the events after position, from memory if they are there.
func (s *EventStore) frame(ctx context.Context, position int64) (ports.EventFrame, error) {
	page, err := s.tail.After(position, frameSize), error(nil)
	if len(page) == 0 {
		page, err = s.raw(ctx, s.read, position, frameSize)
	}
	if err != nil || len(page) == 0 {
		return ports.EventFrame{}, err
	}
	return ports.EventFrame{First: page[0].Position, Last: page[len(page)-1].Position, Events: page}, nil
}

// deliver sends a message until it is acked. Its error is that of ctx.
func deliver(ctx context.Context, out chan<- *message.Message, uuid string, payload []byte) error {
	for backoff := backoffFrom; ; backoff = min(2*backoff, backoffTo) {
		acked, err := offer(ctx, out, uuid, payload)
		if acked || err != nil {
			return err
		}
		pause(ctx, nil, backoff)
	}
}

// offer sends a message once and waits for its ack or nack. Either ends its ctx.
func offer(ctx context.Context, out chan<- *message.Message, uuid string, payload []byte) (acked bool, err error) {
	messageCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := message.NewMessageWithContext(messageCtx, uuid, payload)
	select {
	case out <- m:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case <-m.Acked():
		return true, nil
	case <-m.Nacked():
		return false, nil
	case <-ctx.Done():
	}
	select {
	case <-m.Acked(): // just before the end
		return true, nil
	default:
		return false, ctx.Err()
	}
}

// pause returns when wake is closed, ctx ends, or d has passed.
func pause(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

var _ message.Subscriber = (*Feed)(nil)
