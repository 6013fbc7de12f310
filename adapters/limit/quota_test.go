package limit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/limit"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

// breakableQuota is a quota in memory that can be cut off.
type breakableQuota struct {
	memory.Quota
	gone atomic.Bool
}

func (b *breakableQuota) Use(ctx context.Context, a ports.Allowance, wanted []ports.Usage) ([]bool, error) {
	if b.gone.Load() {
		return nil, errGone
	}
	return b.Quota.Use(ctx, a, wanted)
}

func (b *breakableQuota) Return(ctx context.Context, a ports.Allowance, unneeded ports.Usage) error {
	if b.gone.Load() {
		return errGone
	}
	return b.Quota.Return(ctx, a, unneeded)
}

func (b *breakableQuota) Add(ctx context.Context, a ports.Allowance, taken ports.Usage, since time.Time) error {
	if b.gone.Load() {
		return errGone
	}
	return b.Quota.Add(ctx, a, taken, since)
}

func TestQuota(t *testing.T) {
	for name, gone := range map[string]bool{"with the shared one": false, "without it": true} {
		t.Run(name, func(t *testing.T) {
			porttest.Quota(t, func(t *testing.T) ports.Quota {
				shared := new(breakableQuota)
				shared.gone.Store(gone)
				q := &limit.Quota{Shared: shared, Local: new(memory.Quota)}
				if gone { // as after the first text of the outage
					a := ports.Allowance{Key: t.Name(), Used: func(context.Context) (ports.Usage, error) { return ports.Usage{}, nil }}
					if _, err := q.Use(t.Context(), a, nil); err != nil {
						t.Fatal(err)
					}
				}
				return q
			})
		})
	}
}

func TestADayGoesOnWhileTheSharedCountIsGone(t *testing.T) {
	now := time.Unix(1000, 0)
	accepted := ports.Usage{}
	a := ports.Allowance{
		Key: "acme", Limit: ports.Usage{Messages: 5}, Until: now.Add(time.Hour),
		Used: func(context.Context) (ports.Usage, error) { return accepted, nil },
	}
	shared := new(breakableQuota)
	shared.Now = func() time.Time { return now }
	q := &limit.Quota{Shared: shared, Local: &memory.Quota{Now: shared.Now}, Now: shared.Now}
	send := func(n, want int64) {
		t.Helper()
		var passed int64
		for range n {
			taken, err := q.Use(t.Context(), a, []ports.Usage{{Messages: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if taken[0] {
				passed++
			}
		}
		accepted.Messages += passed
		if passed != want {
			t.Errorf("%d of %d passed, want %d", passed, n, want)
		}
	}
	send(3, 3)
	shared.gone.Store(true)
	send(1, 1)
	shared.gone.Store(false)
	now = now.Add(2 * time.Second)
	send(2, 1) // what the shared count missed was added to it
	shared.gone.Store(true)
	send(3, 0) // the next outage begins with what was accepted, five, and not with the last one's count
}

func TestWhatWasTakenInAnOutageIsAddedToTheSharedCount(t *testing.T) {
	for _, tt := range []struct {
		name string
		lost bool // the shared count, with all else in it
	}{{"which stayed as it was", false}, {"or begins with it", true}} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Unix(1000, 0)
			clock := func() time.Time { return now }
			accepted := ports.Usage{}
			a := ports.Allowance{
				Key: "acme", Limit: ports.Usage{Messages: 10}, Until: now.Add(time.Hour),
				Used: func(context.Context) (ports.Usage, error) { return accepted, nil },
			}
			shared := &breakableQuota{Quota: memory.Quota{Now: clock}}
			instances := make([]*limit.Quota, 2)
			for i := range instances {
				instances[i] = &limit.Quota{Shared: shared, Local: &memory.Quota{Now: clock}, Now: clock}
			}
			use := func(i int, n int64) bool {
				t.Helper()
				taken, err := instances[i].Use(t.Context(), a, []ports.Usage{{Messages: n}})
				if err != nil {
					t.Fatal(err)
				}
				if taken[0] {
					accepted.Messages += n
				}
				return taken[0]
			}
			use(0, 1)
			use(1, 1)
			shared.gone.Store(true)
			use(0, 4)
			if err := instances[0].Return(t.Context(), a, ports.Usage{Messages: 1}); err != nil {
				t.Fatal(err)
			}
			accepted.Messages-- // five, three of them in the outage
			use(1, 2)           // seven
			if tt.lost {
				shared.Forget()
			}
			shared.gone.Store(false)
			now = now.Add(2 * time.Second)
			if !use(0, 0) || !use(1, 0) {
				t.Error("nothing at all is refused")
			}
			if use(0, 4) || !use(1, 3) || use(0, 1) {
				t.Errorf("after the outage %d of 10 were accepted", accepted.Messages)
			}
		})
	}
}

func TestWhoeverHasGoneTakesNothing(t *testing.T) {
	shared := new(breakableQuota)
	shared.gone.Store(true)
	q := &limit.Quota{Shared: shared, Local: new(memory.Quota)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := ports.Allowance{Key: "acme", Used: func(context.Context) (ports.Usage, error) { return ports.Usage{}, nil }}
	if taken, err := q.Use(ctx, a, []ports.Usage{{Messages: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Use: %v, %v", taken, err)
	}
}

func TestAStoreThatIsGoneSaysNothingOfTheSharedCount(t *testing.T) {
	gone := errors.New("the store is gone")
	q := &limit.Quota{Shared: new(memory.Quota), Local: new(memory.Quota)}
	a := ports.Allowance{Key: "acme", Used: func(context.Context) (ports.Usage, error) { return ports.Usage{}, gone }}
	if _, err := q.Use(t.Context(), a, []ports.Usage{{Messages: 1}}); !errors.Is(err, gone) {
		t.Errorf("Use: %v", err)
	}
	a.Used = func(context.Context) (ports.Usage, error) { return ports.Usage{}, nil }
	if taken, err := q.Shared.Use(t.Context(), a, []ports.Usage{{Messages: 1}}); err != nil || !taken[0] {
		t.Errorf("the shared count: %v, %v", taken, err)
	}
}
