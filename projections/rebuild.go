package projections

import (
	"context"
	"errors"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// shadow is p, filling the shadow of its view.
func (p Projection) shadow() Projection {
	p.checkpoint, p.View = ports.ShadowOf(p.key()), p.View.Shadow()
	return p
}

// Rebuild projects p from position 0 beside the live view, which readers and
// runners go on with, and puts the result in its place at one moment. Stopped or
// killed, it goes on where it was when it is called again. An error leaves the
// live view as it is.
func (f Filler) Rebuild(ctx context.Context, p Projection) error {
	if err := f.Views.MakeShadow(ctx, p.View); err != nil {
		return err
	}
	return f.swap(ctx, p)
}

// swap fills the shadow of p up to the head and puts it in the place of the view.
func (f Filler) swap(ctx context.Context, p Projection) error {
	for {
		if err := f.fillShadow(ctx, p); err != nil {
			return err
		}
		err := f.Views.Swap(ctx, p.key(), p.View)
		if !errors.Is(err, ports.ErrConflict) {
			return err
		}
		// The live view has moved on, or is being read: a moment for it to be read.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Discard forgets what an earlier Rebuild of p has left half done.
func (f Filler) Discard(ctx context.Context, p Projection) error {
	return f.Views.DropShadow(ctx, p.key(), p.View)
}

// Pending returns how far a half-done Rebuild of p has come; 0 where there is none.
func (f Filler) Pending(ctx context.Context, p Projection) (int64, error) {
	return f.Views.Checkpoint(ctx, ports.ShadowOf(p.key()))
}

func unavailable(err error) bool { return errors.Is(err, ports.ErrUnavailable) }
