package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Filler folds the log into the view of one projection from its checkpoint on,
// quickly: it reads ahead while it writes. It holds five frames at most, and twice Rows.
// What an operator has decided to skip it passes over.
type Filler struct {
	Store     ports.EventStore
	Views     ports.Views
	FrameSize int // events at once; 0: 5,000
	// Rows is how many changed rows are gathered before they are written, while as many
	// more are gathered: a row that changes in several frames is then read and written
	// once. A transaction takes twice as many; whoever else writes to the database
	// may have to wait for that long. 0: those of one frame, in a transaction of its own.
	Rows     int
	Progress func(position int64) // called after each frame; nil: nobody watches
}

// Unappliable says which event could not be read or applied. What came before it
// is in the view, and a further Fill goes on there.
type Unappliable struct {
	Position int64 // the event itself, or where the reading of it began
	Err      error
}

// Error names the position.
func (u Unappliable) Error() string {
	return fmt.Sprintf("event at position %d: %v", u.Position, u.Err)
}

// Unwrap returns the cause.
func (u Unappliable) Unwrap() error { return u.Err }

// Fill brings p to a position, which must not lie beyond the head of the log. A
// checkpoint that is further already stays.
func (f Filler) Fill(ctx context.Context, p Projection, to int64) error {
	err := f.fill(ctx, p, to)
	if f.Rows > 0 && err != nil && ctx.Err() == nil && !unavailable(err) {
		f.Rows = 0 // frame by frame, to find the event
		return f.fill(ctx, p, to)
	}
	return err
}

func (f Filler) fill(ctx context.Context, p Projection, to int64) error {
	checkpoint, err := f.Views.Checkpoint(ctx, p.key())
	if err != nil {
		return err
	}
	skipped, err := f.skips(ctx, p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	frames, done := make(chan frame, 2), make(chan struct{})
	go func() { defer close(done); f.read(ctx, frames, checkpoint, to, skipped) }()
	defer func() { cancel(); <-done }()
	for frame := range frames {
		if f.Rows > 0 && frame.plain(skipped) {
			if frame, err = f.together(ctx, p, frame, frames, skipped); err != nil {
				return err
			}
		}
		if err := f.single(ctx, p, frame, skipped); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// single applies one frame, which may be empty.
func (f Filler) single(ctx context.Context, p Projection, frame frame, skipped skips) error {
	if frame.err != nil {
		return frame.err
	}
	if err := f.applyAround(ctx, p, frame.events, skipped); err != nil {
		return err
	}
	if frame.unreadable > 0 {
		if err := f.passOver(ctx, p, frame.unreadable); err != nil {
			return err
		}
	}
	f.progress(frame.last())
	return nil
}

func (f Filler) progress(position int64) {
	if f.Progress != nil && position > 0 {
		f.Progress(position)
	}
}

const (
	// eventsPerRow bounds the events of Rows: most of the log is about none of some views.
	eventsPerRow = 2
	// timesRows bounds a transaction: what was done before it is not done again.
	timesRows = 2
)

// together applies first and those after it in one transaction. It returns a frame that
// it has taken and not applied; the zero frame: none.
func (f Filler) together(ctx context.Context, p Projection, first frame, frames <-chan frame, skipped skips) (left frame, err error) {
	runner, position := Runner{Store: f.Store, Views: f.Views}, int64(0)
	err = f.Views.Advance(ctx, p.key(), func(tx ports.ViewTx, checkpoint int64) (_ int64, err error) {
		writer, held, folded, times := &writer{tx: tx, p: p}, newHeld(nil), 0, 0
		for next, ok := first, true; ok && err == nil; next, ok = <-frames {
			if !next.plain(skipped) {
				left = next
				break
			}
			if next.events[0].Position > checkpoint+1 {
				err = errBehind
				break
			}
			recorded := next.after(checkpoint)
			if err = runner.fold(ctx, p, writer, recorded, held); err != nil {
				break
			}
			checkpoint = max(checkpoint, next.last())
			if folded += len(recorded); len(held.order) < f.Rows && folded < eventsPerRow*f.Rows {
				continue
			}
			err = writer.start(ctx, held)
			held, folded = newHeld(held), 0
			if times++; times == timesRows {
				break
			}
		}
		if err == nil {
			err = writer.start(ctx, held)
		}
		err = errors.Join(err, writer.wait())
		position = checkpoint
		crash.At(crash.ViewsAdvancing)
		return checkpoint, err
	})
	if err == nil {
		crash.At(crash.ViewsAdvanced)
		f.progress(position)
	}
	return left, err
}

// frame is a piece of the log, or why there is none.
type frame struct {
	events     []events.Recorded
	unreadable int64 // the position after them, which is to be passed over; 0: none
	err        error
}

// plain reports whether f holds events to be applied and nothing else.
func (f frame) plain(skipped skips) bool {
	return f.err == nil && f.unreadable == 0 && len(f.events) > 0 &&
		!slices.ContainsFunc(f.events, func(e events.Recorded) bool { return skipped[e.Position] })
}

// last is the position with which f ends; 0 for the zero frame.
func (f frame) last() int64 {
	if f.unreadable > 0 || len(f.events) == 0 {
		return f.unreadable
	}
	return f.events[len(f.events)-1].Position
}

// after returns the events of f after a position.
func (f frame) after(position int64) []events.Recorded {
	n := 0
	for n < len(f.events) && f.events[n].Position <= position {
		n++
	}
	return f.events[n:]
}

// read sends the frames of the log in order. While one is decoded the next is on its way:
// positions have no gaps, so that it is known where it begins.
func (f Filler) read(ctx context.Context, frames chan<- frame, after, to int64, skipped skips) {
	defer close(frames)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	fetch := func(after int64) <-chan fetched {
		result := make(chan fetched, 1)
		if after < to {
			fetching.Go(func() {
				next, err := f.Store.Read(ctx, after, int(min(int64(f.frameSize()), to-after)))
				result <- fetched{next, err}
			})
		}
		return result
	}
	this := fetch(after)
	for after < to {
		expected := after + int64(f.frameSize())
		following := fetch(expected)
		got := <-this
		switch {
		case errors.Is(got.err, events.ErrUnreadable):
			got.err = nil // whoever has something to do with such an event cannot apply it
		case got.err != nil && ctx.Err() == nil && !unavailable(got.err):
			got.events, got.err = f.upToTheFault(ctx, after, got.err)
		case got.err == nil && len(got.events) == 0:
			got.err = fmt.Errorf("the log ends at %d, before %d", after, to)
		}
		piece := frame{events: got.events}
		if len(got.events) > 0 {
			after = piece.last()
		}
		if fault := (Unappliable{}); errors.As(got.err, &fault) && skipped[fault.Position] {
			piece.unreadable, after, got.err = fault.Position, fault.Position, nil
		}
		if (len(piece.events) > 0 || piece.unreadable > 0) && !send(ctx, frames, piece) {
			return
		}
		if got.err != nil {
			send(ctx, frames, frame{err: got.err})
			return
		}
		if this = following; after != expected {
			this = fetch(after)
		}
	}
}

// fetched is what one read of the log gave.
type fetched struct {
	events []events.Recorded
	err    error
}

func send(ctx context.Context, frames chan<- frame, f frame) bool {
	select {
	case frames <- f:
		return true
	case <-ctx.Done():
		return false
	}
}

// upToTheFault returns what can be read of a frame that cannot be read whole, and
// which event is the first that cannot.
func (f Filler) upToTheFault(ctx context.Context, after int64, cause error) ([]events.Recorded, error) {
	good, bad := 0, f.frameSize()+1 // so many events can be read, so many cannot
	var readable []events.Recorded
	for bad-good > 1 {
		n := (good + bad) / 2
		switch part, err := f.Store.Read(ctx, after, n); {
		case err != nil:
			bad, cause = n, err
		case len(part) < n:
			return part, nil // it can be read now
		default:
			good, readable = n, part
		}
	}
	return readable, Unappliable{Position: after + int64(bad), Err: cause}
}

// apply folds one frame; where it cannot, event by event as far as it can.
func (f Filler) apply(ctx context.Context, p Projection, recorded []events.Recorded) error {
	runner := Runner{Store: f.Store, Views: f.Views}
	cause := runner.apply(ctx, p, recorded)
	if cause == nil || ctx.Err() != nil || unavailable(cause) {
		return cause
	}
	for _, e := range recorded {
		if err := runner.apply(ctx, p, []events.Recorded{e}); err != nil {
			return Unappliable{Position: e.Position, Err: err}
		}
	}
	return nil
}

func (f Filler) frameSize() int {
	if f.FrameSize == 0 {
		return 5000
	}
	return f.FrameSize
}
