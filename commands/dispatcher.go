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
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Dispatcher carries messages to their provider: it claims as many of a frame as
// it has free slots, in one commit, hands the frame back to the bus as done, and
// only then calls the provider. Whoever crashes in between leaves a doubt, which
// is looked up, and never a second text.
//
// Its zero value lacks Store and Providers. It is safe for concurrent use; Close
// ends it.
type Dispatcher struct {
	Store     ports.EventStore
	Providers Providers
	Slots     int // provider calls in flight; 0: 128
	Schedule  domain.RetrySchedule
	// Persist bounds how long the outcome of a provider call is kept trying to
	// be appended while the store is gone. After that it is a doubt like after a
	// crash. 0: 1 min
	Persist time.Duration
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger

	once   sync.Once
	slots  *slots
	calls  sync.WaitGroup
	closed context.Context
	close  context.CancelFunc
}

// errClosed ends the handling of a frame at shutdown; the bus keeps the frame.
var errClosed = fmt.Errorf("dispatcher is closed: %w", context.Canceled)

func (d *Dispatcher) init() {
	d.once.Do(func() {
		d.slots = newSlots(orDefault(d.Slots, 128))
		d.closed, d.close = context.WithCancel(context.Background())
	})
}

// Handler returns the Watermill handler of a lane's topic. It returns nil, so that
// the frame is acked, as soon as nothing in it waits for a claim any more.
func (d *Dispatcher) Handler(lane domain.Lane) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		frame, err := ports.DecodeWork(msg.Payload)
		if err != nil {
			// Nothing in it can be read, now or later; every message in it is still
			// in the log, from where the scheduler issues it again.
			d.Log.Error("dropping work frame", "id", msg.UUID, "error", err)
			return nil
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
	for len(work) > 0 {
		n, err := d.slots.acquire(ctx, lane, len(work))
		if err != nil {
			return errClosed
		}
		crash.At(crash.WorkDelivered)
		claims, err := d.claim(context.WithoutCancel(ctx), work[:n])
		if err != nil {
			d.slots.release(n)
			return err
		}
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
		work = work[n:]
	}
	return nil
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

// claimed is an attempt that this process has the right, and the duty, to make.
type claimed struct {
	stream[domain.Message]
	provider ports.Provider
	at       time.Time
}

// claim claims what of work still waits, in one commit, and once more for those
// whose stream or consent moved in between.
func (d *Dispatcher) claim(ctx context.Context, work []ports.Work) ([]claimed, error) {
	var claims []claimed
	for range tries {
		conflicts, err := d.claimOnce(ctx, work, &claims)
		if err != nil || len(conflicts) == 0 {
			return claims, err
		}
		work = conflicts
	}
	return claims, nil // the scheduler issues the rest again
}

func (d *Dispatcher) claimOnce(ctx context.Context, work []ports.Work, claims *[]claimed) (conflicts []ports.Work, err error) {
	candidates, err := d.load(ctx, work)
	if err != nil {
		return nil, err
	}
	var writes []ports.Write
	var asked []candidate
	for _, c := range candidates {
		decided, err := c.State.Decide(domain.Claim{
			Attempt: c.work.Attempt, ID: domain.AttemptID(c.ID, c.work.Attempt),
			Provider: c.provider.Name(), OptedOut: c.consent.State.OptedOut, Now: d.now(),
		})
		if err != nil || len(decided) == 0 {
			continue // duplicate, too late or too early: somebody else's, or the scheduler's
		}
		writes = append(writes, ports.Write{
			StreamID: c.ID, Expected: c.Version, Events: decided, Meta: c.consequence("dispatcher"),
			Requires: []ports.Require{{StreamID: c.consent.ID, Version: c.consent.Version}},
		})
		asked = append(asked, c)
	}
	if len(writes) == 0 {
		return nil, nil
	}
	results, err := d.Store.Append(ctx, writes...)
	if err != nil {
		return nil, err
	}
	for i, result := range results {
		c, w := asked[i], writes[i]
		if result.Err != nil {
			conflicts = append(conflicts, c.work)
			continue
		}
		if _, ok := w.Events[0].(events.MessageAttempted); ok {
			*claims = append(*claims, claimed{c.then(w.Events, w.Meta), c.provider, result.RecordedAt})
		}
	}
	return conflicts, nil
}

// candidate is a message that work asks for, with its recipient's consent.
type candidate struct {
	stream[domain.Message]
	work     ports.Work
	consent  stream[domain.Consent]
	provider ports.Provider
}

// load reads the streams that claiming work depends on.
func (d *Dispatcher) load(ctx context.Context, work []ports.Work) ([]candidate, error) {
	ids := make([]string, len(work))
	for i, w := range work {
		ids[i] = w.MessageID
	}
	messages, err := d.Store.LoadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	var consents []string
	seen := map[string]bool{}
	for _, w := range work {
		s := fold[domain.Message](w.MessageID, messages[w.MessageID])
		if seen[w.MessageID] || !s.State.Waiting() || s.State.Attempt+1 != w.Attempt {
			continue
		}
		provider, ok := d.Providers.For(s.State)
		if !ok {
			continue
		}
		seen[w.MessageID] = true
		candidates = append(candidates, candidate{stream: s, work: w, provider: provider})
		consents = append(consents, s.State.Text.Consent)
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	recorded, err := d.Store.LoadMany(ctx, consents)
	if err != nil {
		return nil, err
	}
	for i := range candidates {
		candidates[i].consent = fold[domain.Consent](consents[i], recorded[consents[i]])
	}
	return candidates, nil
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
