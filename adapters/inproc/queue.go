package inproc

import (
	"context"
	"slices"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// queue is the messages of one topic that are not acked yet, first in first out.
type queue struct {
	room  chan struct{} // a token for each message here, so that they have a bound
	ready chan struct{} // holds a token while something waits

	mu      sync.Mutex
	waiting []*item // not with a subscriber
}

// item is a message in a queue.
type item struct {
	message *message.Message

	settled chan struct{} // closed, with the queue's lock held, when it is acked or withdrawn
}

func newQueue(limit int) *queue {
	return &queue{room: make(chan struct{}, limit), ready: make(chan struct{}, 1)}
}

// depth returns how many messages are not acked yet.
func (q *queue) depth() int { return len(q.room) }

// carry puts messages into the queue and returns nil when all are acked. When
// ctx ends before, the others are withdrawn, and their acks no longer count.
func (q *queue) carry(ctx context.Context, messages []*message.Message) error {
	items := make([]*item, 0, len(messages))
	defer func() {
		for _, it := range items {
			q.settle(it)
		}
	}()
	for _, m := range messages {
		select {
		case q.room <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		it := &item{message: m, settled: make(chan struct{})}
		items = append(items, it)
		q.mu.Lock()
		q.waiting = append(q.waiting, it)
		q.signal()
		q.mu.Unlock()
	}
	for _, it := range items {
		select {
		case <-it.settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// take waits for a message, which is then the caller's to settle or put back. It
// returns nil when ctx ends first.
func (q *queue) take(ctx context.Context) *item {
	for ctx.Err() == nil {
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil
		}
		q.mu.Lock()
		var it *item
		if len(q.waiting) > 0 { // it may have been withdrawn
			it, q.waiting = q.waiting[0], q.waiting[1:]
		}
		q.signal()
		q.mu.Unlock()
		if it != nil {
			return it
		}
	}
	return nil
}

// putBack makes it the next message again, unless it is settled.
func (q *queue) putBack(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !it.isSettled() {
		q.waiting = slices.Insert(q.waiting, 0, it)
		q.signal()
	}
}

// settle says that nobody waits for an ack any more: it came, or its publisher
// has gone.
func (q *queue) settle(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if it.isSettled() {
		return
	}
	close(it.settled)
	<-q.room
	if i := slices.Index(q.waiting, it); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

func (it *item) isSettled() bool {
	select {
	case <-it.settled:
		return true
	default:
		return false
	}
}

// signal wakes one subscriber if something waits. q.mu is held.
func (q *queue) signal() {
	if len(q.waiting) == 0 {
		return
	}
	select {
	case q.ready <- struct{}{}:
	default: // somebody has yet to take the token
	}
}
