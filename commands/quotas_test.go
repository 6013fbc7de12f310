package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
)

// capped is a world in which acme may have 3 messages and 5 segments a day, at 22:30.
func capped(t *testing.T, used ports.Usage) *world {
	w := newWorld(t)
	now := time.Date(2030, 1, 31, 22, 30, 0, 0, time.UTC)
	w.handler.Now = func() time.Time { return now }
	w.handler.Quotas = &Quotas{
		Quota: new(memory.Quota), Own: map[string]ports.Usage{"acme": {Messages: 3, Segments: 5}},
		Used: func(_ context.Context, tenant string, since time.Time) (ports.Usage, error) {
			if tenant != "acme" || !since.Equal(now.Truncate(24*time.Hour)) {
				t.Errorf("asked for %s since %v", tenant, since)
			}
			return used, nil
		},
	}
	return w
}

var (
	short = Send{To: "+14155552671", Body: "hello"}
	long  = Send{To: "+14155552671", Body: strings.Repeat("a", 3*153)}
)

func TestEachItemOfABatchIsHeldToTheDayByItself(t *testing.T) {
	w := capped(t, ports.Usage{})
	var refused []string
	w.handler.Refused = func(tenant, code string, texts int) {
		refused = append(refused, fmt.Sprint(tenant, " ", code, " ", texts))
	}
	results, err := w.handler.SendBatch(t.Context(), caller, []Send{long, long, {To: "none"}, short, short, short})
	if err != nil {
		t.Fatal(err)
	}
	for i, beyond := range []bool{false, true, false, false, false, true} {
		var quota QuotaExceeded
		if got := errors.As(results[i].Err, &quota); got != beyond {
			t.Errorf("item %d: %v", i, results[i].Err)
		} else if beyond && quota.RetryAfter != 90*time.Minute {
			t.Errorf("item %d may come again in %v, want at midnight of UTC", i, quota.RetryAfter)
		}
	}
	if !slices.Equal(refused, []string{"acme quota_exceeded 2"}) {
		t.Errorf("told of what is refused: %q", refused)
	}
	other, test := caller, caller
	other.Tenant, test.Test = "other", true
	for _, c := range []Caller{other, test} {
		if _, err := w.handler.Send(t.Context(), c, short); err != nil {
			t.Errorf("tenant %s, test %v: %v", c.Tenant, c.Test, err)
		}
	}
}

func TestWhatWasAcceptedBeforeARestartCounts(t *testing.T) {
	w := capped(t, ports.Usage{Messages: 2, Segments: 2})
	for i, beyond := range []bool{false, true} {
		_, err := w.handler.Send(t.Context(), caller, short)
		if errors.As(err, new(QuotaExceeded)) != beyond {
			t.Errorf("text %d: %v", i, err)
		}
	}
}

func TestARepeatTakesNothingOfTheDayAndIsAnsweredWhenItIsUsedUp(t *testing.T) {
	w := capped(t, ports.Usage{Messages: 1, Segments: 1})
	first := short
	first.IdempotencyKey = "a"
	original, err := w.handler.Send(t.Context(), caller, first)
	if err != nil {
		t.Fatal(err)
	}
	repeat := func() {
		t.Helper()
		if again, err := w.handler.Send(t.Context(), caller, first); err != nil || !again.Replayed || again.ID != original.ID {
			t.Errorf("the repeat is answered %+v, %v", again, err)
		}
	}
	repeat()
	if _, err := w.handler.Send(t.Context(), caller, short); err != nil {
		t.Errorf("the last of the day: %v", err)
	}
	repeat()
	if _, err := w.handler.Send(t.Context(), caller, short); !errors.As(err, new(QuotaExceeded)) {
		t.Errorf("beyond the day: %v", err)
	}
}

func TestWhatWasUsedIsAskedOnceHoweverManyWaitAndGoesOnWithoutThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		q := &Quotas{Used: func(ctx context.Context, _ string, _ time.Time) (ports.Usage, error) {
			asked++
			select {
			case <-time.After(20 * time.Second):
				return ports.Usage{Messages: 7}, nil
			case <-ctx.Done():
				return ports.Usage{}, ctx.Err()
			}
		}}
		impatient, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		ask := func(ctx context.Context, want int64, wantErr error) {
			waiting.Go(func() {
				if got, err := q.used(ctx, "acme", time.Now()); got.Messages != want || !errors.Is(err, wantErr) {
					t.Errorf("used %+v, %v; want %d, %v", got, err, want, wantErr)
				}
			})
		}
		ask(impatient, 0, context.DeadlineExceeded)
		time.Sleep(16 * time.Second)
		for range 3 {
			ask(t.Context(), 7, nil)
		}
		begun := time.Now()
		waiting.Wait()
		if asked != 1 || time.Since(begun) != 4*time.Second {
			t.Errorf("asked %d times, and waited %v", asked, time.Since(begun))
		}
	})
}

// closed is a store that takes nothing.
type closed struct{ ports.EventStore }

func (closed) Append(context.Context, ...ports.Write) ([]ports.Result, error) {
	return nil, ports.ErrUnavailable
}

func TestWhatTheStoreDidNotTakeIsGivenBack(t *testing.T) {
	w := capped(t, ports.Usage{Messages: 2, Segments: 2})
	open := w.handler.Store
	w.handler.Store = closed{open}
	for range 3 {
		if _, err := w.handler.Send(t.Context(), caller, short); !errors.Is(err, ports.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	w.handler.Store = open
	if _, err := w.handler.Send(t.Context(), caller, short); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestADayThatCannotBeCountedIsUnavailableAndNotEndless(t *testing.T) {
	w := capped(t, ports.Usage{})
	w.handler.Quotas.Used = func(context.Context, string, time.Time) (ports.Usage, error) {
		return ports.Usage{}, errors.New("the views are gone")
	}
	if _, err := w.handler.Send(t.Context(), caller, short); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Send: %v", err)
	}
}
