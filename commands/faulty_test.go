package commands_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// mishap is how a call of a port goes wrong.
type mishap string

const (
	refused mishap = "refused" // nothing is done
	unsaid  mishap = "unsaid"  // it is done, and an error is returned all the same
	silence mishap = "silence" // nothing is done, and the caller waits for a minute or until it gives up
)

// mishaps lists all of them.
var mishaps = []mishap{refused, unsaid, silence}

// errMishap is what a caller is told.
var errMishap = fmt.Errorf("mishap: %w", ports.ErrUnavailable)

// fuse makes the calls of a port go wrong from the n-th on, times in a row.
type fuse struct {
	mishap   mishap
	n, times int64

	calls atomic.Int64
}

// blown reports whether any call has gone wrong.
func (f *fuse) blown() bool { return f.calls.Load() >= f.n }

// call counts and carries out, or not.
func (f *fuse) call(ctx context.Context, do func() error) error {
	if n := f.calls.Add(1); n < f.n || n >= f.n+f.times {
		return do()
	}
	switch f.mishap {
	case unsaid:
		if err := do(); err != nil {
			return err
		}
	case silence:
		answer := time.NewTimer(time.Minute)
		defer answer.Stop()
		select {
		case <-answer.C:
		case <-ctx.Done():
		}
	}
	return errMishap
}

// faultyStore is an event store behind two fuses.
type faultyStore struct {
	ports.EventStore
	reads, appends *fuse
}

func (s faultyStore) Load(ctx context.Context, id string) (recorded []events.Recorded, err error) {
	err = s.reads.call(ctx, func() (err error) { recorded, err = s.EventStore.Load(ctx, id); return err })
	return orNothing(recorded, err)
}

func (s faultyStore) LoadMany(ctx context.Context, ids []string) (streams map[string][]events.Recorded, err error) {
	err = s.reads.call(ctx, func() (err error) { streams, err = s.EventStore.LoadMany(ctx, ids); return err })
	return orNothing(streams, err)
}

func (s faultyStore) Append(ctx context.Context, writes ...ports.Write) (results []ports.Result, err error) {
	err = s.appends.call(ctx, func() (err error) { results, err = s.EventStore.Append(ctx, writes...); return err })
	return orNothing(results, err)
}

func (s faultyStore) Read(ctx context.Context, position int64, limit int) (recorded []events.Recorded, err error) {
	err = s.reads.call(ctx, func() (err error) { recorded, err = s.EventStore.Read(ctx, position, limit); return err })
	return orNothing(recorded, err)
}

func (s faultyStore) Head(ctx context.Context) (head ports.Commit, err error) {
	err = s.reads.call(ctx, func() (err error) { head, err = s.EventStore.Head(ctx); return err })
	return orNothing(head, err)
}

// orNothing keeps what was done from the caller who is told of an error.
func orNothing[T any](v T, err error) (T, error) {
	if err != nil {
		var nothing T
		return nothing, err
	}
	return v, nil
}

// faultyViews are views behind two fuses; writing into them is behind one as well.
type faultyViews struct {
	ports.Views
	reads, advances *fuse
}

func (v faultyViews) Checkpoint(ctx context.Context, projection string) (position int64, err error) {
	err = v.reads.call(ctx, func() (err error) { position, err = v.Views.Checkpoint(ctx, projection); return err })
	return orNothing(position, err)
}

func (v faultyViews) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	return v.advances.call(ctx, func() error {
		return v.Views.Advance(ctx, projection, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
			return apply(faultyTx{tx, v.advances}, checkpoint)
		})
	})
}

func (v faultyViews) Find(ctx context.Context, view ports.View, q ports.Query) (rows []ports.Row, err error) {
	err = v.reads.call(ctx, func() (err error) { rows, err = v.Views.Find(ctx, view, q); return err })
	return orNothing(rows, err)
}

// faultyTx fails at once: it holds a lock of the memory views, in which the clock
// of a test stands still.
type faultyTx struct {
	ports.ViewTx
	fuse *fuse
}

func (x faultyTx) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	if n := x.fuse.calls.Add(1); n >= x.fuse.n && n < x.fuse.n+x.fuse.times {
		return errMishap
	}
	return x.ViewTx.Put(ctx, view, rows)
}

// faultyBus is a bus behind a fuse.
type faultyBus struct {
	ports.Bus
	fuse *fuse
}

func (b faultyBus) Publish(topic string, messages ...*message.Message) error {
	return b.fuse.call(messages[0].Context(), func() error { return b.Bus.Publish(topic, messages...) })
}

func (b faultyBus) Depth(ctx context.Context, topic string) (depth int, err error) {
	err = b.fuse.call(ctx, func() (err error) { depth, err = b.Bus.Depth(ctx, topic); return err })
	return orNothing(depth, err)
}

// faultyLimiter is a limiter behind a fuse.
type faultyLimiter struct {
	ports.Limiter
	fuse *fuse
}

func (l faultyLimiter) Take(ctx context.Context, limits []ports.Limit) (taken ports.Taken, err error) {
	err = l.fuse.call(ctx, func() (err error) { taken, err = l.Limiter.Take(ctx, limits); return err })
	return orNothing(taken, err)
}

// faultyProvider is a provider behind a fuse: what goes wrong is in doubt, as an
// adapter says of a connection that was lost.
type faultyProvider struct {
	ports.Provider
	fuse *fuse
}

func (p faultyProvider) Send(ctx context.Context, text ports.Text) (outcome ports.Outcome) {
	err := p.fuse.call(ctx, func() error { outcome = p.Provider.Send(ctx, text); return nil })
	if err != nil {
		return ports.Outcome{Class: domain.ClassInDoubt, Cause: "connection_lost"}
	}
	return outcome
}

func (p faultyProvider) Find(ctx context.Context, attempt ports.Lookup) (found ports.Found, err error) {
	err = p.fuse.call(ctx, func() (err error) { found, err = p.Provider.Find(ctx, attempt); return err })
	return orNothing(found, err)
}

func (p faultyProvider) Status(ctx context.Context, id string) (receipt domain.Receipt, err error) {
	err = p.fuse.call(ctx, func() (err error) { receipt, err = p.Provider.Status(ctx, id); return err })
	return orNothing(receipt, err)
}
