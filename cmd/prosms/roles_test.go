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

// Only the API listens for requests; every instance has its admin listener.
func TestAnInstanceWithoutTheAPIDoesNotTakeItsPort(t *testing.T) {
	c := Config{HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
	for _, tt := range []struct {
		roles roles
		api   bool
	}{{allRoles, true}, {roles{roleAPI}, true}, {roles{roleDispatch, roleRelay}, false}} {
		l, err := listen(t.Context(), c, tt.roles)
		if err != nil {
			t.Fatal(err)
		}
		if (l.api != nil) != tt.api || (l.apiURL() != "") != tt.api || l.admin == nil {
			t.Errorf("%v: %+v, want an API: %t", tt.roles, l, tt.api)
		}
		taken := Config{HTTPAddr: l.admin.Addr().String(), AdminAddr: "127.0.0.1:0"}
		if again, err := listen(t.Context(), taken, tt.roles); (err != nil) != tt.api {
			t.Errorf("%v, on a port that is taken: %v", tt.roles, err)
		} else if err == nil {
			again.close()
		}
		l.close()
	}
}
