package commands

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
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
// Its zero value lacks Store, Providers and Lookup. It is safe for concurrent use; Close
// ends it.
type Dispatcher struct {
	Store     ports.EventStore
	Providers Providers
	Lookup    Lookup
	Hours     Hours // of marketing texts
	Slots     int   // provider calls in flight; 0: 128
	Gate      *Gate // what it does not admit is held, and not claimed; nil: everything passes
	Schedule  domain.RetrySchedule
	// HoldLimit is how long a frame is held, without an ack, for what the gate does
	// not admit. After that its messages are deferred and the frame is acked: the
	// broker counts on acks within 30 min, and on fewer than 20 deliveries. 0: 10 min
	HoldLimit time.Duration
	// Persist bounds how long the outcome of a provider call is kept trying to
	// be appended while the store is gone. After that it is a doubt like after a
	// crash. 0: 1 min
	Persist time.Duration
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger

	once   sync.Once
	slots  *slots
	turns  map[domain.Lane]chan struct{} // one frame of a lane at a time asks the gate again
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
	kept, err := d.round(ctx, lane, work)
	if err != nil || len(kept.work) == 0 {
		return err
	}
	return d.hold(ctx, lane, kept)
}

// round claims what of work may be sent now, waiting for free slots as it goes,
// and makes the calls. It returns what the gate keeps back.
func (d *Dispatcher) round(ctx context.Context, lane domain.Lane, work []ports.Work) (kept kept, err error) {
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

// claimed is an attempt that this process has the right, and the duty, to make.
type claimed struct {
	stream[domain.Message]
	provider ports.Provider
	pass     Pass
	at       time.Time
}

// claim claims what of work still waits, in one commit, and once more for those
// whose stream or consent moved in between. What the gate does not admit it adds
// to kept. With an error, too, it may have claimed some.
func (d *Dispatcher) claim(ctx context.Context, work []ports.Work, kept *kept) ([]claimed, error) {
	var claims []claimed
	for range tries {
		conflicts, err := d.claimOnce(ctx, work, &claims, kept)
		if err != nil || len(conflicts) == 0 {
			return claims, err
		}
		work = conflicts
	}
	return claims, nil // the scheduler issues the rest again
}

func (d *Dispatcher) claimOnce(ctx context.Context, work []ports.Work, claims *[]claimed, kept *kept) (conflicts []ports.Work, err error) {
	candidates, err := d.load(ctx, work)
	if err != nil {
		return nil, err
	}
	var writes []ports.Write
	var asked []candidate
	now := d.now()
	for _, c := range candidates {
		decided, err := c.State.Decide(domain.Claim{
			Attempt: c.work.Attempt, ID: domain.AttemptID(c.ID, c.work.Attempt),
			Provider: c.providers[0].Name(), OptedOut: c.optedOut(), Quiet: d.Hours.quiet(c.State.Text, now), Now: now,
		})
		if err != nil || len(decided) == 0 {
			continue // duplicate, too late or too early: somebody else's, or the scheduler's
		}
		if attempted, ok := decided[0].(events.MessageAttempted); ok {
			delay, ok := c.admit(ctx, d.Gate)
			if !ok {
				kept.add(c.work, delay)
				continue
			}
			attempted.Provider = c.provider.Name()
			decided[0] = attempted
		}
		writes = append(writes, ports.Write{
			StreamID: c.ID, Expected: c.Version, Events: decided, Meta: c.consequence("dispatcher"),
			Requires: c.grounds(),
		})
		asked = append(asked, c)
	}
	if len(writes) == 0 {
		return nil, nil
	}
	results, err := d.Store.Append(ctx, writes...)
	if err != nil {
		for _, c := range asked {
			c.pass.Cancel()
		}
		return nil, err
	}
	for i, result := range results {
		c, w := asked[i], writes[i]
		if result.Err != nil {
			c.pass.Cancel()
			conflicts = append(conflicts, c.work)
			continue
		}
		if _, ok := w.Events[0].(events.MessageAttempted); ok {
			*claims = append(*claims, claimed{c.then(w.Events, w.Meta), c.provider, c.pass, result.RecordedAt})
		}
	}
	return conflicts, nil
}

// candidate is a message that work asks for, with its recipient's consents: towards
// its tenant, and towards every tenant.
type candidate struct {
	stream[domain.Message]
	work      ports.Work
	consents  []stream[domain.Consent]
	providers []ports.Provider // that may send it, best first
	provider  ports.Provider   // of these, the one that is to send it
	pass      Pass
}

// worthWaiting is how long a text waits for the pace of a better provider rather
// than go by the next one.
const worthWaiting = time.Second

// admit picks the best provider that may be called now. Otherwise it says what
// there is to wait for.
func (c *candidate) admit(ctx context.Context, gate *Gate) (shortest Delay, ok bool) {
	for i, provider := range c.providers {
		pass, delay, ok := gate.Admit(ctx, provider.Name())
		if ok {
			c.provider, c.pass = provider, pass
			return Delay{}, true
		}
		if i == 0 || delay.sooner(shortest) {
			shortest = delay
		}
		if delay.Reason == domain.DeferredForPacing && !delay.Until.After(gate.now().Add(worthWaiting)) {
			break
		}
	}
	return shortest, false
}

func (c candidate) optedOut() bool {
	return slices.ContainsFunc(c.consents, func(s stream[domain.Consent]) bool { return s.State.OptedOut })
}

// grounds are the versions that the decision depends on: an opt-out that is
// committed before the claim wins.
func (c candidate) grounds() []ports.Require {
	var grounds []ports.Require
	for _, s := range c.consents {
		grounds = append(grounds, ports.Require{StreamID: s.ID, Version: s.Version})
	}
	return grounds
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
		providers := d.Providers.For(s.ID, s.State)
		if len(providers) == 0 {
			continue
		}
		seen[w.MessageID] = true
		candidates = append(candidates, candidate{stream: s, work: w, providers: providers})
		consents = append(consents, s.State.Text.Consent, d.Lookup.ConsentStream(EveryTenant, s.State.Text.To))
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	recorded, err := d.Store.LoadMany(ctx, consents)
	if err != nil {
		return nil, err
	}
	for i := range candidates {
		for _, id := range consents[2*i : 2*i+2] {
			candidates[i].consents = append(candidates[i].consents, fold[domain.Consent](id, recorded[id]))
		}
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
