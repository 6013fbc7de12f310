package sandbox

import (
	"container/heap"
	"context"
	"net/http"
	"sync"
	"time"
)

// courier leads messages through their statuses and calls back with each. One
// goroutine waits for what is due, CallbackWorkers do it. At most MaxPending
// messages are on their way; for others it has no room, and they stay as they are.
type courier struct {
	config  Config
	ledger  *ledger
	client  *http.Client
	due     chan course // to the workers; unbuffered, so that what waits stays in the queue
	changed chan struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu      sync.Mutex
	queue   queue
	pending int // messages in the queue or with a worker
}

func newCourier(c Config, l *ledger) *courier {
	ctx, stop := context.WithCancel(context.Background())
	k := &courier{
		config: c, ledger: l, client: newCallbackClient(c.CallbackWorkers),
		due: make(chan course), changed: make(chan struct{}, 1), stop: stop,
	}
	k.done.Go(func() { k.dispatch(ctx) })
	for range c.CallbackWorkers {
		k.done.Go(func() {
			for {
				select {
				case p := <-k.due:
					k.step(ctx, p)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return k
}

// close ends all courses where they are and waits for the workers.
func (k *courier) close() {
	k.stop()
	k.done.Wait()
	k.client.CloseIdleConnections()
}

// take sets a message on its course.
func (k *courier) take(p course) {
	p.begun = time.Now().Add(p.delay)
	k.mu.Lock()
	full := k.pending >= k.config.MaxPending
	if !full {
		k.pending++
	}
	k.mu.Unlock()
	if full {
		k.ledger.count(func(c *Counts) { c.CallbacksLost += int64(len(p.steps)) })
		return
	}
	k.put(p, p.delay)
}

// put queues a course for after d.
func (k *courier) put(p course, d time.Duration) {
	k.mu.Lock()
	heap.Push(&k.queue, queued{course: p, at: time.Now().Add(d)})
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// dispatch hands to the workers what is due, until ctx ends.
func (k *courier) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p, wait, ok := k.next()
		switch {
		case ok:
			select {
			case k.due <- p:
				continue
			case <-ctx.Done():
				return
			}
		case wait > 0:
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-k.changed:
		case <-ctx.Done():
			return
		}
	}
}

// next takes the first course that is due, or says how long until one is; 0 means
// that the queue is empty.
func (k *courier) next() (p course, wait time.Duration, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return course{}, 0, false
	}
	if wait := time.Until(k.queue[0].at); wait > 0 {
		return course{}, wait, false
	}
	first, _ := heap.Pop(&k.queue).(queued)
	return first.course, 0, true
}

// finish ends a course.
func (k *courier) finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending--
}

// queue is a heap of courses by when they go on.
type queue []queued

type queued struct {
	course
	at time.Time
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	c, _ := x.(queued)
	*q = append(*q, c)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = queued{}
	*q = (*q)[:len(*q)-1]
	return last
}
