package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Upgrader sees to views that a reducer of an older revision has made. One instance
// runs it at a time.
type Upgrader struct {
	Filler      Filler
	Projections []Projection
	Interval    time.Duration // between tries; 0: 10 s
	Log         *slog.Logger
}

// Run upgrades what is outdated, and tries again what fails, until ctx ends.
func (u Upgrader) Run(ctx context.Context) error {
	interval := u.Interval
	if interval == 0 {
		interval = 10 * time.Second
	}
	for {
		var faults []error
		for _, p := range u.Projections {
			faults = append(faults, u.upgrade(ctx, p))
		}
		if err := errors.Join(faults...); err == nil {
			<-ctx.Done() // what this build has made only a newer one outdates
		} else if ctx.Err() == nil {
			u.Log.Error("upgrading views", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

func (u Upgrader) upgrade(ctx context.Context, p Projection) error {
	p, standing, err := Stand(ctx, u.Filler.Views, p)
	if err != nil || standing == Current || standing == Newer {
		return err
	}
	u.Log.Info("making a view anew, beside the old one", "view", p.Name, "revision", p.Revision)
	start := time.Now()
	if err := u.Filler.Upgrade(ctx, p); err != nil {
		return err
	}
	u.Log.Info("a view is made anew", "view", p.Name, "revision", p.Revision, "took", time.Since(start).Round(time.Millisecond))
	return nil
}
