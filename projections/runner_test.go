package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestViewsFollowTheLogHoweverFramesArrive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		frames [][2]int64
		want   int64
	}{
		{"in order", [][2]int64{{1, 4}, {5, 5}, {6, 10}}, 10},
		{"one by one", [][2]int64{{1, 1}, {2, 2}, {3, 3}, {4, 4}}, 4},
		{"twice", [][2]int64{{1, 4}, {1, 4}, {5, 10}, {1, 4}, {5, 10}}, 10},
		{"in the wrong order", [][2]int64{{8, 10}, {5, 7}, {1, 4}}, 10},
		{"overlapping", [][2]int64{{1, 6}, {4, 8}, {2, 3}, {8, 10}}, 10},
		{"with one lost", [][2]int64{{1, 2}, {9, 9}}, 9},
		{"with all but the last lost", [][2]int64{{10, 10}}, 10},
		{"with the last lost", [][2]int64{{1, 2}, {3, 7}}, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse()
			h.ten(t)
			for _, f := range tt.frames {
				if err := h.runner.Handle(h.frame(t, f[0], f[1])); err != nil {
					t.Fatal(err)
				}
			}
			// A gap is read in whole frames from the store, so that more than asked for may be there.
			checkpoint, err := h.views.Checkpoint(t.Context(), "messages")
			if err != nil || checkpoint < tt.want {
				t.Errorf("checkpoint %d, %v; want %d at the least", checkpoint, err, tt.want)
			}
			h.expect(t, checkpoint)
			if err := h.runner.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.expect(t, 10)
		})
	}
}

// A broker may hold frames of a log that had its queues before: another's, or this
// one's as it was before it was restored from a backup. Their positions fit.
func TestAFrameOfAnotherLogIsReadFromTheStore(t *testing.T) {
	for name, shared := range map[string]int{"another installation's": 0, "that of a log restored since": 6} {
		t.Run(name, func(t *testing.T) {
			h, other := newHouse(), newHouse()
			h.ten(t)
			history, err := h.store.Read(t.Context(), 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			foreign := 0
			h.runner.Foreign = func() { foreign++ }
			other.append(t, "msg_9", acceptedNow, attempted, failed, retried)
			other.append(t, "msg_8", acceptedNow, attempted, failed, retried, attempted, sent)
			theirs, err := other.store.Read(t.Context(), 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			frame := append(slices.Clone(history[:shared]), theirs[shared:]...)
			payload, err := json.Marshal(ports.EventFrame{First: 1, Last: 10, Events: frame})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.runner.Handle(message.NewMessage("x", payload)); err != nil {
				t.Fatal(err)
			}
			if foreign != 1 {
				t.Errorf("told of %d foreign frames, want 1", foreign)
			}
			h.expect(t, 10)
			if err := h.runner.Handle(h.frame(t, 4, 10)); err != nil || foreign != 1 {
				t.Errorf("a frame of its own: %v, %d foreign", err, foreign)
			}
		})
	}
}

func TestAFrameBeyondTheEndOfTheLogIsOfAnother(t *testing.T) {
	h, longer := newHouse(), newHouse()
	longer.ten(t)
	h.append(t, "msg_1", acceptedNow)
	if err := h.runner.Handle(longer.frame(t, 2, 10)); err != nil {
		t.Fatal(err)
	}
	h.expect(t, 1)
}

func TestAFrameThatCannotBeReadIsReadFromTheLog(t *testing.T) {
	h := newHouse()
	h.ten(t)
	for payload, want := range map[string]error{
		`{`: ports.ErrMalformed, `{"first":1,"last":10,"events":[]}`: ports.ErrMalformed,
		`{"first":1,"last":1,"events":[{"position":1,"type":"message.accepted","schema":1,"data":7,"meta":{}}]}`: nil, // one event of it
	} {
		h.views = &memory.Views{}
		h.runner = h.newRunner(h.views)
		if err := h.runner.Handle(message.NewMessage("x", []byte(payload))); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", payload, err, want)
		}
		h.expect(t, 10)
	}
}

func TestTwoRunnersAtOnceApplyEachEventOnce(t *testing.T) {
	h := newHouse()
	for i := range 50 {
		h.append(t, fmt.Sprint("msg_", i), acceptedNow, attempted, sent, events.MessageDelivered{})
	}
	var frames []*message.Message
	for first := int64(1); first <= 200; first += 5 {
		frames = append(frames, h.frame(t, first, first+4))
	}
	other := h.newRunner(h.views)
	var work sync.WaitGroup
	for _, r := range []*Runner{h.runner, other, other} {
		work.Go(func() {
			for _, frame := range frames {
				if err := r.Handle(frame); err != nil {
					t.Error(err)
				}
			}
			if err := r.CatchUp(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	h.expect(t, 200)
}

// broken is a store of views whose next Put fails after it was carried out.
type broken struct {
	ports.Views
	err error
}

func (b *broken) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	return b.Views.Advance(ctx, projection, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		return apply(brokenTx{tx, b}, checkpoint)
	})
}

type brokenTx struct {
	ports.ViewTx
	b *broken
}

func (tx brokenTx) Put(ctx context.Context, view ports.View, rows []ports.Row) error {
	err := errors.Join(tx.ViewTx.Put(ctx, view, rows), tx.b.err)
	tx.b.err = nil
	return err
}

func TestAFrameThatFailsLeavesNothingAndIsTriedAgainEventByEvent(t *testing.T) {
	h := newHouse()
	h.ten(t)
	views := &broken{h.views, errors.New("disk is full")}
	runner := h.newRunner(views)
	if err := runner.Handle(h.frame(t, 1, 10)); err != nil || len(runner.Stopped()) > 0 {
		t.Fatalf("Handle = %v, stopped %v", err, runner.Stopped())
	}
	h.expect(t, 10)
}

func TestARowThatCannotBeReadStopsItsProjectionWithoutQuotingIt(t *testing.T) {
	h := newHouse()
	h.append(t, "msg_1", acceptedNow, attempted)
	err := h.views.Advance(t.Context(), "messages", func(tx ports.ViewTx, _ int64) (int64, error) {
		return 1, tx.Put(t.Context(), messagesView, []ports.Row{{ID: "msg_1", Keys: make([]any, len(messagesView.Columns)), Doc: []byte(`"+14155552671`)}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.runner.CatchUp(t.Context()); err == nil || strings.Contains(err.Error(), "4155552671") {
		t.Errorf("CatchUp = %v", err)
	}
}

func TestTheLogIsLookedAtWithoutAnyFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.append(t, "msg_1", acceptedNow)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.runner.Run(ctx) }()
		synctest.Wait()
		h.expect(t, 1)
		h.append(t, "msg_1", attempted)
		lag, err := h.runner.Lag(ctx)
		if want := map[string]int64{"messages": 1, "keys": 1, "dead_letters": 1, "replays": 1}; !cmp.Equal(lag, want) || err != nil {
			t.Errorf("Lag = %v, %v; want %v", lag, err, want)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		h.expect(t, 2)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatMovesByFramesIsLeftToThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.append(t, "msg_1", acceptedNow)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.runner.Run(ctx) }()
		synctest.Wait()
		h.append(t, "msg_1", attempted, sent)
		if err := h.runner.Handle(h.frame(t, 2, 2)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		h.expect(t, 2) // a frame came lately: the next one may, too
		time.Sleep(2 * time.Second)
		synctest.Wait()
		h.expect(t, 3) // it did not
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
