package inproc

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Subscribe consumes topic until ctx ends or the Bus is closed; subscriptions to
// the same topic compete. Messages come one at a time: the next after the ack of
// the last. A nacked one comes again, to the same subscription and before all
// others, after a wait. When it ends, the context of the message in hand ends at
// once, its ack still counts for DrainTimeout, and then it is another's.
func (b *Bus) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	q, ok := b.queues[topic]
	if !ok {
		return nil, fmt.Errorf("subscribing to %s: no such topic in process", topic)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing.Err() != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", topic, errClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.closing, cancel)
	s := subscription{b.config, q, make(chan *message.Message)}
	b.subscriptions.Go(func() {
		defer cancel()
		defer stop()
		s.run(ctx)
	})
	return s.out, nil
}

// subscription hands the messages of a queue to one subscriber.
type subscription struct {
	Config
	queue *queue
	out   chan *message.Message
}

// run emits messages until ctx ends. Then it closes out.
func (s subscription) run(ctx context.Context) {
	defer close(s.out)
	for {
		it := s.queue.take(ctx)
		if it == nil {
			return
		}
		if s.handle(ctx, it) {
			s.queue.settle(it)
		} else {
			s.queue.putBack(it)
		}
	}
}

// handle emits a message until it is acked, and reports whether it was; not if
// ctx has ended or nobody waits for the ack any more.
func (s subscription) handle(ctx context.Context, it *item) (acked bool) {
	wait := s.RedeliverAfter
	for {
		acked, ended := s.emit(ctx, it)
		if acked || ended {
			return acked
		}
		retry := time.NewTimer(wait)
		select {
		case <-retry.C:
		case <-it.settled:
		case <-ctx.Done():
		}
		retry.Stop()
		wait = min(2*wait, s.RedeliverMax)
	}
}

// emit hands out a copy and waits for its ack, for DrainTimeout at most once ctx
// has ended. ended says that there is no use in emitting it again.
func (s subscription) emit(ctx context.Context, it *item) (acked, ended bool) {
	msg := it.message.Copy()
	msg.Payload = bytes.Clone(msg.Payload) // the handler's to change
	msgCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg.SetContext(msgCtx)
	if ctx.Err() != nil || it.isSettled() {
		return false, true
	}
	select {
	case s.out <- msg:
	case <-it.settled:
		return false, true
	case <-ctx.Done():
		return false, true
	}
	select {
	case <-msg.Acked():
		return true, false
	case <-msg.Nacked():
		return false, false
	case <-ctx.Done():
	}
	drained := time.NewTimer(s.DrainTimeout)
	defer drained.Stop()
	select {
	case <-msg.Acked():
		return true, false
	case <-msg.Nacked():
	case <-drained.C:
	}
	return false, true
}
