package porttest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// handOverWithin is how long a role may stay vacant before we call it lost.
const handOverWithin = 10 * time.Second

// Leader holds the leaders that open returns, two instances that compete for the
// same roles, to the laws of ports.Leader.
func Leader(t *testing.T, open func(*testing.T) (a, b ports.Leader)) {
	for _, law := range []struct {
		name  string
		check func(t *testing.T, a, b ports.Leader)
	}{
		{"the error of run is returned", runsErrorIsReturned},
		{"a role has one holder at a time", oneHolderAtATime},
		{"a role is handed over when run returns", handedOverOnReturn},
		{"the end of ctx ends run and hands the role over", handedOverOnCancel},
		{"who waits in vain gives up when ctx ends", waiterGivesUp},
		{"different roles do not wait for each other", rolesAreIndependent},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t)
			law.check(t, a, b)
		})
	}
}

func runsErrorIsReturned(t *testing.T, a, _ ports.Leader) {
	refused := errors.New("refused")
	if err := a.Lead(t.Context(), "relay", func(context.Context) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("Lead: %v, want the error of run", err)
	}
	if err := a.Lead(t.Context(), "relay", func(context.Context) error { return nil }); err != nil {
		t.Errorf("Lead: %v", err)
	}
}

func oneHolderAtATime(t *testing.T, a, b ports.Leader) {
	var (
		group   sync.WaitGroup
		holders atomic.Int32
		terms   atomic.Int32
	)
	for i := range 4 {
		group.Go(func() {
			err := []ports.Leader{a, b}[i%2].Lead(t.Context(), "relay", func(context.Context) error {
				if holders.Add(1) != 1 {
					t.Error("two hold the role")
				}
				terms.Add(1)
				holders.Add(-1)
				return nil
			})
			if err != nil {
				t.Errorf("Lead: %v", err)
			}
		})
	}
	group.Wait()
	if terms.Load() != 4 {
		t.Errorf("%d terms, want 4", terms.Load())
	}
}

// term is a role being held.
type term struct {
	began  chan struct{}   // closed when run runs
	ctx    context.Context // of run, once began
	resign chan struct{}   // closed by the test, so that run returns
	ended  chan error      // what Lead returned
}

// hold lets leader compete for role in a goroutine until the test ends.
func hold(t *testing.T, ctx context.Context, leader ports.Leader, role string) *term {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	h := &term{began: make(chan struct{}), resign: make(chan struct{}), ended: make(chan error, 1)}
	var group sync.WaitGroup
	group.Go(func() {
		h.ended <- leader.Lead(ctx, role, func(ctx context.Context) error {
			h.ctx = ctx
			close(h.began)
			select {
			case <-h.resign:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return h
}

func handedOverOnReturn(t *testing.T, a, b ports.Leader) {
	first := hold(t, t.Context(), a, "relay")
	await(t, first.began, "the first term")
	second := hold(t, t.Context(), b, "relay")
	select {
	case <-second.began:
		t.Fatal("two hold the role")
	case <-time.After(50 * time.Millisecond): // long enough to catch a lock that is none
	}
	close(first.resign)
	if err := await(t, first.ended, "the end of the first term"); err != nil {
		t.Errorf("Lead: %v", err)
	}
	await(t, second.began, "the second term")
}

func handedOverOnCancel(t *testing.T, a, b ports.Leader) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := hold(t, ctx, a, "relay")
	await(t, first.began, "the first term")
	second := hold(t, t.Context(), b, "relay")
	cancel()
	await(t, first.ctx.Done(), "the end of run's ctx")
	if err := await(t, first.ended, "the end of the first term"); !errors.Is(err, context.Canceled) {
		t.Errorf("Lead: %v, want context.Canceled", err)
	}
	await(t, second.began, "the second term")
}

func waiterGivesUp(t *testing.T, a, b ports.Leader) {
	first := hold(t, t.Context(), a, "relay")
	await(t, first.began, "the first term")
	ctx, cancel := context.WithCancel(t.Context())
	second := hold(t, ctx, b, "relay")
	cancel()
	if err := await(t, second.ended, "the waiter's end"); !errors.Is(err, context.Canceled) {
		t.Errorf("Lead: %v, want context.Canceled", err)
	}
}

func rolesAreIndependent(t *testing.T, a, b ports.Leader) {
	first := hold(t, t.Context(), a, "relay")
	await(t, first.began, "the relay's term")
	second := hold(t, t.Context(), b, "schedule")
	await(t, second.began, "the scheduler's term")
}

// await returns what arrives on c, or its zero value once c is closed.
func await[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	var v T
	select {
	case v = <-c:
	case <-time.After(handOverWithin):
		t.Fatalf("waited %v in vain for %s", handOverWithin, what)
	}
	return v
}
