package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Filler folds the log into the view of one projection from its checkpoint on,
// quickly: it reads ahead while it writes. It holds three frames at most. What an
// operator has decided to skip it passes over.
type Filler struct {
	Store     ports.EventStore
	Views     ports.Views
	FrameSize int                  // events at once; 0: 5,000
	Progress  func(position int64) // called after each frame; nil: nobody watches
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
	checkpoint, err := f.Views.Checkpoint(ctx, p.key())
	if err != nil {
		return err
	}
	skipped, err := f.skips(ctx, p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	frames, done := make(chan frame, 1), make(chan struct{})
	go func() { defer close(done); f.read(ctx, frames, checkpoint, to, skipped) }()
	defer func() { cancel(); <-done }()
	for frame := range frames {
		if frame.err != nil {
			return frame.err
		}
		if err := f.applyAround(ctx, p, frame.events, skipped); err != nil {
			return err
		}
		last := frame.unreadable
		if last == 0 {
			last = frame.events[len(frame.events)-1].Position
		} else if err := f.passOver(ctx, p, last); err != nil {
			return err
		}
		if f.Progress != nil {
			f.Progress(last)
		}
	}
	return ctx.Err()
}

// frame is a piece of the log, or why there is none.
type frame struct {
	events     []events.Recorded
	unreadable int64 // the position after them, which is to be passed over; 0: none
	err        error
}

func (f Filler) read(ctx context.Context, frames chan<- frame, after, to int64, skipped skips) {
	defer close(frames)
	for after < to {
		next, err := f.Store.Read(ctx, after, int(min(int64(f.frameSize()), to-after)))
		switch {
		case err != nil && ctx.Err() == nil && !unavailable(err):
			next, err = f.upToTheFault(ctx, after, err)
		case err == nil && len(next) == 0:
			err = fmt.Errorf("the log ends at %d, before %d", after, to)
		}
		piece := frame{events: next}
		if len(next) > 0 {
			after = next[len(next)-1].Position
		}
		if fault := (Unappliable{}); errors.As(err, &fault) && skipped[fault.Position] {
			piece.unreadable, after, err = fault.Position, fault.Position, nil
		}
		if (len(next) > 0 || piece.unreadable > 0) && !send(ctx, frames, piece) {
			return
		}
		if err != nil {
			send(ctx, frames, frame{err: err})
			return
		}
	}
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
