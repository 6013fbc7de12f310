package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// countingStore counts how often streams are loaded.
type countingStore struct {
	ports.EventStore
	looks atomic.Int64
	err   error
}

func (s *countingStore) LoadMany(ctx context.Context, ids []string) (map[string][]events.Recorded, error) {
	s.looks.Add(1)
	if s.err != nil {
		return nil, s.err
	}
	return s.EventStore.LoadMany(ctx, ids)
}

func (s *countingStore) grow(t *testing.T, stream string, version int) {
	t.Helper()
	results, err := s.Append(t.Context(), ports.Write{
		StreamID: stream, Expected: version, Events: []events.Event{events.MessageCanceled{By: "test"}},
	})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
}

func TestAThousandWhoWaitCostOneLookPerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{EventStore: new(memory.EventStore)}
		store.grow(t, "msg_other", 0)
		p := newPolls(store, 2000)
		var all sync.WaitGroup
		var woken atomic.Int64
		for i := range 1000 {
			id := fmt.Sprintf("msg_%d", i%500)
			if i < 500 {
				store.grow(t, id, 0)
			}
			joined := p.join(id, 1)
			all.Go(func() {
				defer p.leave(joined)
				if stream, err := p.wait(t.Context(), joined); err == nil && len(stream) == 2 && stream[0].StreamID == id {
					woken.Add(1)
				}
			})
		}
		synctest.Wait()
		const appends = 200
		before := store.looks.Load()
		for i := range appends { // 2 ms apart, none of them waited for
			store.grow(t, "msg_other", i+1)
			time.Sleep(2 * time.Millisecond)
		}
		// The pause between looks is 20 ms; one more may have been due already.
		if looks := store.looks.Load() - before; looks > appends*2/20+2 {
			t.Errorf("%d appends in %d ms cost %d looks", appends, appends*2, looks)
		}
		for i := range 500 {
			store.grow(t, fmt.Sprintf("msg_%d", i), 1)
		}
		start := time.Now()
		all.Wait()
		if took := time.Since(start); took > 100*time.Millisecond || woken.Load() != 1000 {
			t.Errorf("%d were woken within %v", woken.Load(), took)
		}
		if len(p.waiting) != 0 {
			t.Errorf("%d still listen", len(p.waiting))
		}
	})
}

func TestWhenTheLeaderLeavesAnotherTakesTheLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{EventStore: new(memory.EventStore)}
		store.grow(t, "msg_a", 0)
		p := newPolls(store, 10)
		var all sync.WaitGroup
		for i := range 3 { // they give up after 1, 2 and 3 s
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
			defer cancel()
			joined := p.join("msg_a", 1)
			all.Go(func() {
				defer p.leave(joined)
				stream, err := p.wait(ctx, joined)
				if want := i == 2; err != nil || (stream != nil) != want {
					t.Errorf("waiter %d got %d events, %v", i, len(stream), err)
				}
			})
		}
		time.Sleep(2500 * time.Millisecond)
		store.grow(t, "msg_a", 1)
		all.Wait()
	})
}

func TestAHintThatNeverComesCostsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{EventStore: deaf{new(memory.EventStore)}}
		store.grow(t, "msg_a", 0)
		p := newPolls(store, 10)
		joined := p.join("msg_a", 1)
		defer p.leave(joined)
		go func() {
			time.Sleep(500 * time.Millisecond)
			store.grow(t, "msg_a", 1)
		}()
		start := time.Now()
		if stream, err := p.wait(t.Context(), joined); err != nil || len(stream) != 2 || time.Since(start) > 1100*time.Millisecond {
			t.Errorf("got %d events, %v after %v", len(stream), err, time.Since(start))
		}
	})
}

// deaf is a store whose hints are lost.
type deaf struct{ ports.EventStore }

func (deaf) Changed() <-chan struct{} { return nil }

func TestAStoreThatIsGoneEndsTheWaiting(t *testing.T) {
	store := &countingStore{EventStore: new(memory.EventStore), err: ports.ErrUnavailable}
	p := newPolls(store, 10)
	joined := p.join("msg_a", 1)
	defer p.leave(joined)
	if _, err := p.wait(t.Context(), joined); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestNoMoreMayWaitThanThereIsRoomFor(t *testing.T) {
	p := newPolls(new(memory.EventStore), 1)
	first := p.join("msg_a", 1)
	if first == nil || p.join("msg_b", 1) != nil {
		t.Fatal("the bound is not kept")
	}
	p.leave(first)
	if p.join("msg_b", 1) == nil {
		t.Error("who left still takes the room")
	}
}
