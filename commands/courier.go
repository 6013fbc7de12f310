package commands

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Courier posts queued deliveries: at least once each, those about one message to
// one endpoint in order, as many at once as there is room, and no more than a few to
// one endpoint. What fails is posted again after growing delays; an endpoint that
// keeps failing is left alone for a while, and in the end disabled.
//
// One instance runs it at a time (ports.Leader). Where two do for a moment, a
// delivery may be posted twice, and out of order.
type Courier struct {
	Store  ports.EventStore
	Views  ports.Views
	Lookup Lookup
	// Body makes the body of a post from the events of a message up to the one that
	// it tells of.
	Body func(recorded []events.Recorded) ([]byte, error)
	// Post makes one attempt, and is over within a bounded time.
	Post        func(context.Context, WebhookPost) WebhookAnswer
	Delays      []time.Duration  // before each further attempt; none: DeliveryDelays
	Concurrency int              // posts under way; 0: 64
	PerEndpoint int              // of those, to one endpoint; 0: 8
	Interval    time.Duration    // between looks at the queue; 0: 500 ms
	Now         func() time.Time // nil: time.Now
	Log         *slog.Logger

	wake     chan struct{}
	work     sync.WaitGroup
	scanned  *ports.Cursor // how far a queue of many pages was seen
	mu       sync.Mutex
	underWay map[string]bool   // by sequence
	busy     map[string]int    // posts under way by destination
	healths  map[string]health // as far as they are known here, by destination
}

// DeliveryDelays make 12 attempts in a little more than a day.
var DeliveryDelays = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
	2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour,
}

// WebhookPost is one attempt to be made.
type WebhookPost struct {
	URL     string
	ID      string // webhook-id
	At      time.Time
	Body    []byte
	Secrets [][]byte // each signs

	Message     string // whose event it tells of, and the trace that the event has: neither is posted
	TraceParent string
}

// WebhookAnswer is what came of it.
type WebhookAnswer struct {
	Delivered  bool
	HTTPStatus int           // 0: no answer
	Fault      string        // "timeout", "http_500", "redirect", "forbidden_address", …
	RetryAfter time.Duration // the receiver's wish; 0: none
}

// maxHealths bounds what is kept in memory of endpoints.
const maxHealths = 10_000

// Wake makes Run look at the queue at once.
func (c *Courier) Wake() {
	select {
	case c.waker() <- struct{}{}:
	default:
	}
}

func (c *Courier) waker() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	return c.wake
}

// Run posts what is due until ctx ends, and then waits for the posts under way.
func (c *Courier) Run(ctx context.Context) error {
	defer c.work.Wait()
	c.mu.Lock()
	c.underWay, c.busy, c.healths = map[string]bool{}, map[string]int{}, map[string]health{}
	c.mu.Unlock()
	ticker := time.NewTicker(orDefault(c.Interval, 500*time.Millisecond))
	defer ticker.Stop()
	for {
		if err := c.round(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("looking for deliveries", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-c.waker():
		}
	}
}

// Bounds of one look at the queue.
const (
	duePage  = 200
	duePages = 10
)

// round begins what is due and has room, and puts off what is not to be posted yet. A
// long queue is seen a part at a time, beside its head, so that one slow endpoint's
// does not hide those of others.
func (c *Courier) round(ctx context.Context) error {
	now := c.now()
	var after *ports.Cursor
	for page := range duePages {
		due, err := findDeliveries(ctx, c.Views, ports.Query{
			Where: []ports.Condition{
				{Column: "status", Op: ports.Equal, Value: string(DeliveryPending)},
				{Column: "due_at", Op: ports.AtMost, Value: now},
			},
			OrderBy: "due_at", After: after, Limit: duePage,
		})
		if err != nil {
			return err
		}
		room, err := c.beginAll(ctx, due, now)
		if err != nil || !room {
			return err
		}
		if len(due) < duePage {
			c.scanned = nil
			return nil
		}
		last := due[len(due)-1]
		after = &ports.Cursor{Key: *last.DueAt, ID: last.ID}
		if page > 0 {
			c.scanned = after
		} else if c.scanned != nil && last.DueAt.Before(c.scanned.Key.(time.Time)) {
			after = c.scanned
		}
	}
	return nil
}

// beginAll begins those of due that it may, and reports whether there is room for more.
func (c *Courier) beginAll(ctx context.Context, due []Delivery, now time.Time) (room bool, err error) {
	resting := map[string]time.Time{} // ids, and until when
	for _, d := range due {
		h, err := c.health(ctx, d.destination())
		if err != nil {
			return false, err
		}
		if until, paused := h.paused(now); paused {
			resting[d.ID] = until
			continue
		}
		if c.full() {
			return false, c.postpone(ctx, resting)
		}
		c.begin(ctx, d, h)
	}
	return true, c.postpone(ctx, resting)
}

func (c *Courier) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.underWay) >= orDefault(c.Concurrency, 64)
}

// begin works on the sequence of d, unless that is under way or its endpoint busy.
// What was begun is finished after ctx has ended: it is bounded, and a post whose
// outcome is not noted is made again.
func (c *Courier) begin(ctx context.Context, d Delivery, h health) {
	sequence, destination := d.sequence(), d.destination()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.underWay[sequence] || c.busy[destination] >= h.atOnce(orDefault(c.PerEndpoint, 8)) {
		return
	}
	c.underWay[sequence] = true
	c.busy[destination]++
	c.work.Go(func() {
		err := c.deliver(context.WithoutCancel(ctx), ctx, sequence)
		if err != nil {
			c.Log.Error("delivering to a webhook", "endpoint", d.Endpoint, "message", d.Message, "error", err)
		}
		c.mu.Lock()
		delete(c.underWay, sequence)
		if c.busy[destination]--; c.busy[destination] == 0 {
			delete(c.busy, destination)
		}
		c.mu.Unlock()
		if err == nil { // after a fault the next round comes by the clock
			c.Wake()
		}
	})
}

// deliver posts what a sequence has pending, in order, as far as it goes: what comes
// after a delivery that failed waits for it. It begins nothing once stop has ended.
func (c *Courier) deliver(ctx, stop context.Context, sequence string) error {
	pending, err := findDeliveries(ctx, c.Views, ports.Query{
		Where:   []ports.Condition{{Column: "sequence", Op: ports.Equal, Value: sequence}, {Column: "status", Op: ports.Equal, Value: string(DeliveryPending)}},
		OrderBy: "position", Limit: duePage,
	})
	if err != nil {
		return err
	}
	for i, d := range pending {
		if stop.Err() != nil {
			return nil
		}
		if d.DueAt.After(c.now()) {
			return c.waitFor(ctx, *d.DueAt, pending[i+1:])
		}
		ended, until, err := c.attempt(ctx, d)
		if err != nil {
			return err
		}
		if !ended {
			return c.waitFor(ctx, until, pending[i+1:])
		}
	}
	return nil
}

// waitFor puts off what would be due before the delivery that it comes after.
func (c *Courier) waitFor(ctx context.Context, until time.Time, later []Delivery) error {
	resting := map[string]time.Time{}
	for _, d := range later {
		if d.DueAt.Before(until) {
			resting[d.ID] = until
		}
	}
	return c.postpone(ctx, resting)
}

// postpone puts deliveries off without an attempt.
func (c *Courier) postpone(ctx context.Context, resting map[string]time.Time) error {
	if len(resting) == 0 {
		return nil
	}
	ids := make([]string, 0, len(resting))
	for id := range resting {
		ids = append(ids, id)
	}
	err := c.Views.Advance(ctx, deliveriesChanged, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		found, err := getDeliveries(ctx, tx, ids)
		if err != nil {
			return checkpoint, err
		}
		var changed []Delivery
		for id, d := range found {
			if d.Status == DeliveryPending && d.DueAt.Before(resting[id]) {
				d.due(resting[id], d.UpdatedAt)
				changed = append(changed, d)
			}
		}
		return checkpoint, putDeliveries(ctx, tx, changed)
	})
	if err != nil {
		return fmt.Errorf("putting off deliveries: %w", err)
	}
	return nil
}

// health returns what is known of a destination.
func (c *Courier) health(ctx context.Context, destination string) (health, error) {
	c.mu.Lock()
	h, known := c.healths[destination]
	c.mu.Unlock()
	if known {
		return h, nil
	}
	h, err := loadHealth(ctx, c.Views, destination)
	if err == nil {
		c.know(destination, h)
	}
	return h, err
}

func (c *Courier) know(destination string, h health) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.healths) >= maxHealths {
		clear(c.healths) // they are read again
	}
	c.healths[destination] = h
}

// learn notes in memory how a destination answered, and returns its health.
func (c *Courier) learn(ctx context.Context, destination string, delivered bool) (health, error) {
	if _, err := c.health(ctx, destination); err != nil {
		return health{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.healths[destination].after(delivered, c.now())
	c.healths[destination] = h
	return h, nil
}

func (c *Courier) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return c.Now().UTC().Truncate(time.Microsecond)
}
