package main

import (
	"context"
	"errors"
	"testing"
)

// forgetful is a ports.Leader whose every holder loses the role at once.
type forgetful struct{ led int }

// Lead implements ports.Leader.
func (f *forgetful) Lead(ctx context.Context, _ string, run func(context.Context) error) error {
	f.led++
	ctx, lose := context.WithCancel(ctx)
	lose()
	return run(ctx)
}

func TestARoleThatIsLostIsCompetedForAgain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	leader, runs := &forgetful{}, 0
	err := lead(ctx, leader, "scheduler", func(ctx context.Context) error {
		if runs++; runs == 3 {
			stop()
		}
		<-ctx.Done()
		return nil
	})
	if err != nil || leader.led != 3 {
		t.Errorf("led %d times, %v; want 3 times until the end", leader.led, err)
	}
	broken := errors.New("broken")
	if err := lead(t.Context(), leader, "scheduler", func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want the error of what ran", err)
	}
}
