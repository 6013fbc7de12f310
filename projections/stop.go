package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Stop says that a projection stands before an event that it cannot apply.
type Stop struct {
	Unappliable
	Since time.Time
}

// Stopped returns the projections that stand still, by name, as this instance has
// found them at its last look.
func (r *Runner) Stopped() map[string]Stop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.stopped)
}

// Standstill returns an error that wraps the Unappliable of each projection that
// stands still, of those named if any is; nil: none does.
func (r *Runner) Standstill(names ...string) error {
	var stops []error
	for name, stop := range r.Stopped() {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		stops = append(stops, fmt.Errorf("projecting %s: %w", name, stop.Unappliable))
	}
	return errors.Join(stops...)
}

func (r *Runner) isStopped(p Projection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, stopped := r.stopped[p.Name]
	return stopped
}

// advanceOrStop is advance, but what keeps p from it for good stops p, and is no
// error: others go on.
func (r *Runner) advanceOrStop(ctx context.Context, p Projection, recorded []events.Recorded) error {
	err := r.advance(ctx, p, recorded)
	if err == nil {
		r.resume(p)
		return nil
	}
	if ctx.Err() != nil || unavailable(err) {
		return err
	}
	head, err := r.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	// Event by event, around what is to be skipped.
	err = Filler{Store: r.Store, Views: r.Views, FrameSize: r.frameSize()}.Fill(ctx, p, head.LastPosition)
	var fault Unappliable
	switch {
	case err == nil:
		r.resume(p)
	case errors.As(err, &fault):
		r.stop(p, fault)
		return nil
	}
	return err
}

func (r *Runner) stop(p Projection, fault Unappliable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.stopped[p.Name]; ok && known.Position == fault.Position {
		return
	}
	if r.stopped == nil {
		r.stopped = map[string]Stop{}
	}
	r.stopped[p.Name] = Stop{Unappliable: fault, Since: time.Now().UTC()}
	r.Log.Error("a projection has stopped at an event that it cannot apply", "projection", p.Name, "position", fault.Position, "error", fault.Err)
}

func (r *Runner) resume(p Projection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.stopped[p.Name]; ok {
		delete(r.stopped, p.Name)
		r.Log.Info("a projection that had stopped goes on", "projection", p.Name)
	}
}

// reduce is step, for which a panic is an event that cannot be applied. What was
// panicked with is told only where it is the runtime's: it may be personal.
func (p Projection) reduce(id string, value any, recorded []events.Recorded) (_ any, err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case runtime.Error:
			err = fmt.Errorf("reducing row %s: %w", id, cause)
		default:
			err = fmt.Errorf("reducing row %s: a panic with a %T", id, cause)
		}
	}()
	return p.step(value, recorded)
}
