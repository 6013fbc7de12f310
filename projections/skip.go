package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// skips are the positions that operators have decided a projection passes over.
type skips map[int64]bool

// SkipRevision is the revision that a decision to skip names.
func (p Projection) SkipRevision() int { return max(p.Revision, 1) }

// skips reads what was decided about the revision of p. A reducer that was mended has
// a revision of its own, for which nothing is decided yet.
func (f Filler) skips(ctx context.Context, p Projection) (skips, error) {
	recorded, err := f.Store.Load(ctx, ports.SkipsOf(p.Name))
	if err != nil {
		return nil, fmt.Errorf("reading which events %s passes over: %w", p.Name, err)
	}
	skipped := skips{}
	for _, e := range recorded {
		if d, ok := e.Data.(events.ProjectionSkipped); ok && d.Revision == p.SkipRevision() {
			skipped[d.Position] = true
		}
	}
	return skipped, nil
}

// Stuck reports whether p, or a rebuild of it that was stopped, cannot apply the event
// at position. What comes before it, and the event itself where it can be, is applied.
func (f Filler) Stuck(ctx context.Context, p Projection, position int64) (bool, error) {
	stuck, err := f.stuck(ctx, p, position)
	if stuck || err != nil {
		return stuck, err
	}
	if pending, err := f.Pending(ctx, p); pending == 0 || err != nil {
		return false, err
	}
	return f.stuck(ctx, p.shadow(), position)
}

func (f Filler) stuck(ctx context.Context, p Projection, position int64) (bool, error) {
	var fault Unappliable
	err := f.Fill(ctx, p, position)
	if errors.As(err, &fault) && fault.Position == position {
		return true, nil
	}
	return false, err
}

// passOver moves p past the event at position without applying it.
func (f Filler) passOver(ctx context.Context, p Projection, position int64) error {
	return f.Views.Advance(ctx, p.key(), func(_ ports.ViewTx, checkpoint int64) (int64, error) {
		if checkpoint < position-1 {
			return checkpoint, errBehind
		}
		return max(checkpoint, position), nil
	})
}

// applyAround applies recorded but for what is to be passed over.
func (f Filler) applyAround(ctx context.Context, p Projection, recorded []events.Recorded, skipped skips) error {
	if len(recorded) == 0 {
		return nil
	}
	rest := recorded
	for i := 0; i < len(rest); i++ {
		if !skipped[rest[i].Position] {
			continue
		}
		if i > 0 {
			if err := f.apply(ctx, p, rest[:i]); err != nil {
				return err
			}
		}
		if err := f.passOver(ctx, p, rest[i].Position); err != nil {
			return err
		}
		rest, i = rest[i+1:], -1
	}
	if len(rest) == 0 {
		return nil
	}
	return f.apply(ctx, p, rest)
}
