package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// shadow is p, filling the shadow of its view.
func (p Projection) shadow() Projection {
	p.Name, p.View = ports.ShadowOf(p.Name), p.View.Shadow()
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
	for {
		head, err := f.Store.Head(ctx)
		if err != nil {
			return fmt.Errorf("reading the head: %w", err)
		}
		if err := f.Fill(ctx, p.shadow(), head.LastPosition); err != nil {
			return fmt.Errorf("rebuilding %s: %w", p.Name, err)
		}
		err = f.Views.Swap(ctx, p.Name, p.View)
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
	return f.Views.DropShadow(ctx, p.Name, p.View)
}

// Pending returns how far a half-done Rebuild of p has come; 0 where there is none.
func (f Filler) Pending(ctx context.Context, p Projection) (int64, error) {
	return f.Views.Checkpoint(ctx, ports.ShadowOf(p.Name))
}

func unavailable(err error) bool { return errors.Is(err, ports.ErrUnavailable) }
