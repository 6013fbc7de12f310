package commands

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Dispatcher carries messages to their provider: it claims as many of a frame as
// it has free slots, in one commit, hands the frame back to the bus as done, and
// only then calls the provider. Whoever crashes in between leaves a doubt, which
// is looked up, and never a second text.
//
// Its zero value lacks Store, Providers and Lookup. It is safe for concurrent use; Close
// ends it.
type Dispatcher struct {
	Store     ports.EventStore
	Providers Providers
	Lookup    Lookup
	Hours     Hours  // of marketing texts
	Slots     int    // provider calls in flight; 0: 128
	Gate      *Gate  // what it does not admit is held, and not claimed; nil: everything passes
	Fuse      *Fuse  // texts to prefixes that it pauses are deferred; nil: none are
	Fresh     *Fresh // what was accepted here; nil: every text is read from Store
	Schedule  domain.RetrySchedule
	// HoldLimit is how long a frame is held, without an ack, for what the gate does
	// not admit. After that its messages are deferred and the frame is acked: the
	// broker counts on acks within 30 min, and on fewer than 20 deliveries. 0: 10 min
	HoldLimit time.Duration
	// HoldAside is that limit where one of several providers is left alone and
	// another is not. 0: 5 s
	HoldAside time.Duration
	// Persist bounds how long the outcome of a provider call is kept trying to
	// be appended while the store is gone. After that it is a doubt like after a
	// crash. 0: 1 min
	Persist time.Duration
	Foreign func()           // told of each frame with messages that the log does not know; nil: nobody
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger

	once   sync.Once
	slots  *slots
	turns  map[domain.Lane]chan struct{} // so many frames of a lane ask the gate again at a time
	calls  sync.WaitGroup
	closed context.Context
	close  context.CancelFunc
}

// errClosed ends the handling of a frame at shutdown; the bus keeps the frame.
var errClosed = fmt.Errorf("dispatcher is closed: %w", context.Canceled)

func (d *Dispatcher) init() {
	d.once.Do(func() {
		d.slots = newSlots(orDefault(d.Slots, 128))
		d.turns = map[domain.Lane]chan struct{}{}
		for _, lane := range domain.Lanes {
			d.turns[lane] = make(chan struct{}, 1)
		}
		d.turns[domain.High] = make(chan struct{}, 2*rush) // they are of one text each
		d.closed, d.close = context.WithCancel(context.Background())
	})
}

// Handler returns the Watermill handler of a lane's topic. It returns nil, so that
// the frame is acked, as soon as nothing in it waits for a claim any more. Of a frame
// that is ports.ErrMalformed every message is in the log, from where the scheduler
// issues it again.
func (d *Dispatcher) Handler(lane domain.Lane) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		frame, err := ports.DecodeWork(msg.Payload)
		if err != nil {
			return err
		}
		return d.Dispatch(msg.Context(), lane, frame.Work)
	}
}

// Dispatch claims and sends work, waiting for free slots as it goes. When it
// returns nil, every item is claimed or needs no claim; the provider calls may
// still be under way. After an error the frame has to come again.
func (d *Dispatcher) Dispatch(ctx context.Context, lane domain.Lane, work []ports.Work) error {
	d.init()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.closed, cancel)()
	kept, err := d.round(ctx, lane, work)
	if err != nil || len(kept.work) == 0 {
		return err
	}
	return d.hold(ctx, lane, kept)
}

// round claims what of work may be sent now, waiting for free slots as it goes,
// and makes the calls. It returns what the gate keeps back.
func (d *Dispatcher) round(ctx context.Context, lane domain.Lane, work []ports.Work) (kept kept, err error) {
	defer d.slots.claiming(lane)()
	for len(work) > 0 {
		n, err := d.slots.acquire(ctx, lane, len(work))
		if err != nil {
			return kept, errClosed
		}
		crash.At(crash.WorkDelivered)
		claims, err := d.claim(context.WithoutCancel(ctx), work[:n], &kept)
		if len(claims) > 0 {
			crash.At(crash.WorkClaimed)
		}
		d.slots.release(n - len(claims))
		for _, c := range claims {
			d.calls.Go(func() {
				defer d.slots.release(1)
				d.send(c)
			})
		}
		if err != nil {
			return kept, err
		}
		work = work[n:]
	}
	return kept, nil
}

// Stop stops claiming. What is claimed goes on.
func (d *Dispatcher) Stop() {
	d.init()
	d.close()
}

// Close stops claiming, and waits until what was claimed is sent and its outcome
// is in the log, or ctx ends.
func (d *Dispatcher) Close(ctx context.Context) error {
	d.Stop()
	done := make(chan struct{})
	go func() { d.calls.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Dispatcher) now() time.Time {
	if d.Now == nil {
		return time.Now().UTC()
	}
	return d.Now().UTC()
}

func (d *Dispatcher) retry() domain.Retry {
	return domain.Retry{Schedule: d.Schedule, Chance: rand.Float64(), Now: d.now()}
}
