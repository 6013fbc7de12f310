package projections

import (
	"context"
	"fmt"
	"math"

	"github.com/pro-sms/prosms/ports"
)

// replaced is the checkpoint of a revision that a newer one has taken the view of:
// it lies beyond every log, so that instances of the older build apply nothing more.
const replaced = math.MaxInt64 - 1

// keyOf names the checkpoint of a revision.
func (p Projection) keyOf(revision int) string {
	if revision <= 1 {
		return p.Name
	}
	return fmt.Sprintf("%s.r%d", p.Name, revision)
}

// key names the checkpoint under which the view is kept.
func (p Projection) key() string {
	if p.checkpoint != "" {
		return p.checkpoint
	}
	return p.keyOf(p.Revision)
}

// Position returns the last position that the view of p has.
func (p Projection) Position(ctx context.Context, views ports.Views) (int64, error) {
	return views.Checkpoint(ctx, p.key())
}

// Standing is how the rows of a view stand to the reducer of this build.
type Standing int

// The standings.
const (
	Current  Standing = iota // they are made by it
	Outdated                 // by an older one: they are kept up until an Upgrade is done
	Changing                 // an Upgrade is about to put others in their place, or was stopped there
	Newer                    // by one of a newer build
)

// Kept reports whether this build may apply events to the view.
func (s Standing) Kept() bool { return s == Current || s == Outdated }

// Stand returns how the view of p stands, and p under the checkpoint it is kept under.
func Stand(ctx context.Context, views ports.Views, p Projection) (Projection, Standing, error) {
	for revision := max(p.Revision, 1); revision >= 1; revision-- {
		at, err := views.Checkpoint(ctx, p.keyOf(revision))
		switch {
		case err != nil:
			return p, Changing, err
		case at == replaced && revision >= p.Revision:
			return p, Newer, nil
		case at == replaced:
			return p, Changing, nil
		case at == 0:
			continue
		}
		if p.checkpoint = p.keyOf(revision); revision < p.Revision {
			return p, Outdated, nil
		}
		return p, Current, nil
	}
	return p, Current, nil // nothing is there yet
}

// Upgrade makes the view of p anew with the reducer of this build, beside the one of
// an older revision, which is read and kept up meanwhile, also by instances of the
// older build; then it takes its place. From then on those leave the view alone.
// Stopped or killed, it goes on where it was when it is called again.
func (f Filler) Upgrade(ctx context.Context, p Projection) error {
	p.checkpoint = ""
	if err := f.Views.MakeShadow(ctx, p.View); err != nil {
		return err
	}
	if err := f.fillShadow(ctx, p); err != nil {
		return err
	}
	if err := f.Views.IndexShadow(ctx, p.View); err != nil {
		return err
	}
	if err := f.fillShadow(ctx, p); err != nil {
		return err
	}
	// From here to the swap the view stands still.
	for revision := 1; revision < p.Revision; revision++ {
		err := f.Views.Advance(ctx, p.keyOf(revision), func(ports.ViewTx, int64) (int64, error) { return replaced, nil })
		if err != nil {
			return err
		}
	}
	return f.swap(ctx, p)
}

// TakeBack makes the view of p anew after a newer build has replaced it, for a return
// to this one. No instance of the newer build may run.
func (f Filler) TakeBack(ctx context.Context, p Projection) error {
	p.checkpoint = ""
	if err := f.Views.DropShadow(ctx, p.key(), p.View); err != nil {
		return err
	}
	if err := f.Views.MakeShadow(ctx, p.View); err != nil {
		return err
	}
	if err := f.fillShadow(ctx, p); err != nil {
		return err
	}
	for revision := max(p.Revision, 1); revision < p.Revision+16; revision++ {
		err := f.Views.Advance(ctx, p.keyOf(revision), func(ports.ViewTx, int64) (int64, error) { return 0, nil })
		if err != nil {
			return err
		}
	}
	return f.swap(ctx, p)
}

func (f Filler) fillShadow(ctx context.Context, p Projection) error {
	head, err := f.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	if err := f.Fill(ctx, p.shadow(), head.LastPosition); err != nil {
		return fmt.Errorf("rebuilding %s: %w", p.Name, err)
	}
	return nil
}

// stand looks how the views stand, and returns those that this build may keep up.
func (r *Runner) stand(ctx context.Context) ([]Projection, error) {
	r.mu.Lock()
	known, done := r.standing, r.settled
	r.mu.Unlock()
	if done {
		return known, nil
	}
	var able []Projection
	settled := true
	for _, p := range r.Projections {
		p, standing, err := Stand(ctx, r.Views, p)
		if err != nil {
			return nil, err
		}
		settled = settled && standing == Current
		if standing.Kept() {
			able = append(able, p)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.standing, r.settled = able, settled
	return able, nil
}

// able is stand as of the last look.
func (r *Runner) able(ctx context.Context) ([]Projection, error) {
	r.mu.Lock()
	standing := r.standing
	r.mu.Unlock()
	if standing == nil {
		return r.stand(ctx)
	}
	return standing, nil
}
