package commands

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/domain"
)

func TestLowerLanesLeaveSlotsToUrgentTexts(t *testing.T) {
	for _, tt := range []struct {
		total, bulk, normal, high int // high: what is left to it after the others took all they get
	}{
		{128, 64, 48, 16},
		{16, 8, 6, 2},
		{2, 1, 1, 0},
		{1, 1, 0, 0},
	} {
		s := newSlots(tt.total)
		for _, ask := range []struct {
			lane domain.Lane
			want int
		}{{domain.Bulk, tt.bulk}, {domain.Normal, tt.normal}, {domain.High, tt.high}} {
			if ask.want == 0 {
				continue
			}
			if n, err := s.acquire(t.Context(), ask.lane, 1000); n != ask.want || err != nil {
				t.Errorf("of %d, lane %s gets %d, %v; want %d", tt.total, ask.lane, n, err, ask.want)
			}
		}
		if s.used > tt.total {
			t.Errorf("%d of %d are used", s.used, tt.total)
		}
	}
}

func TestNoMoreSlotsAreTakenThanWanted(t *testing.T) {
	s := newSlots(16)
	if n, err := s.acquire(t.Context(), domain.High, 3); n != 3 || err != nil || s.used != 3 {
		t.Errorf("acquire = %d, %v, %d used; want 3", n, err, s.used)
	}
}

func TestAReleaseWakesWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		if _, err := s.acquire(t.Context(), domain.High, 1); err != nil {
			t.Fatal(err)
		}
		got := make(chan int, 2)
		for range 2 {
			go func() {
				n, err := s.acquire(t.Context(), domain.Normal, 5)
				if err != nil {
					t.Error(err)
				}
				got <- n
			}()
		}
		for i := range 2 {
			synctest.Wait()
			if len(got) != i {
				t.Fatalf("%d have a slot, want %d", len(got), i)
			}
			s.release(1)
		}
		if first, second := <-got, <-got; first != 1 || second != 1 {
			t.Errorf("they got %d and %d, want 1 each", first, second)
		}
	})
}

func TestWaitingForASlotEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		if _, err := s.acquire(t.Context(), domain.High, 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := s.acquire(ctx, domain.High, 1)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("acquire = %v, want Canceled", err)
		}
		s.release(1)
		if n, err := s.acquire(ctx, domain.High, 1); n != 0 || err == nil || s.used != 0 {
			t.Errorf("with an ended context: %d, %v, %d used", n, err, s.used)
		}
	})
}

func TestLowerLanesGiveWayToManyUrgentFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(16)
		var done []func()
		for range rush {
			done = append(done, s.claiming(domain.High))
		}
		waited := func(lane domain.Lane) time.Duration {
			began := time.Now()
			n, err := s.acquire(t.Context(), lane, 1)
			if err != nil {
				t.Error(err)
			}
			s.release(n)
			return time.Since(began)
		}
		if got := waited(domain.Normal); got != giveWays {
			t.Errorf("in a rush lane normal waited %v, want %v and no longer", got, giveWays)
		}
		if got := waited(domain.High); got != 0 {
			t.Errorf("lane high waited %v for itself", got)
		}
		time.AfterFunc(giveWays/2, done[0])
		if got := waited(domain.Bulk); got != giveWays/2 {
			t.Errorf("lane bulk waited %v, and the rush was over after %v", got, giveWays/2)
		}
		if got := waited(domain.Normal); got != 0 {
			t.Errorf("lane normal waited %v after the rush", got)
		}
	})
}
