package porttest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func framesFollowEachOther(t *testing.T, f feeds) {
	f.fill(t, "a", 1200)
	_, messages := f.subscribe(t, "relay")
	got := drain(t, messages, 0, 1200)
	if diff := cmp.Diff(readLog(t, f.store), got); diff != "" {
		t.Errorf("frames differ from the log (-log +frames):\n%s", diff)
	}
	for _, e := range got {
		if e.Digest != e.ComputeDigest() {
			t.Fatalf("position %d came with other bytes than were stored", e.Position)
		}
	}
}

func appendIsFollowed(t *testing.T, f feeds) {
	_, messages := f.subscribe(t, "relay")
	for i := range 5 {
		appendAll(t, f.store, write("a", i, 1))
		drain(t, messages, int64(i), int64(i)+1)
	}
}

func nackedFrameComesAgain(t *testing.T, f feeds) {
	f.fill(t, "a", 3)
	_, messages := f.subscribe(t, "relay")
	for range 3 {
		m, frame := next(t, messages)
		if frame.First != 1 {
			t.Fatalf("the frame after a nack begins at %d, want 1", frame.First)
		}
		m.Nack()
	}
	drain(t, messages, 0, 3)
}

func heldFrameComesAgain(t *testing.T, f feeds) {
	f.fill(t, "a", 3)
	subscriber, messages := f.subscribe(t, "relay")
	if _, frame := next(t, messages); frame.First != 1 {
		t.Fatalf("the first frame begins at %d, want 1", frame.First)
	}
	closeFeed(t, subscriber)
	_, again := f.subscribe(t, "relay")
	drain(t, again, 0, 3)
}

func newSubscriberGoesOn(t *testing.T, f feeds) {
	f.fill(t, "a", 10)
	subscriber, messages := f.subscribe(t, "relay")
	drain(t, messages, 0, 10)
	appendAll(t, f.store, write("b", 0, 2))
	_, frame := next(t, messages) // comes only once the ack before it is committed
	if frame.First != 11 {
		t.Fatalf("the next frame begins at %d, want 11", frame.First)
	}
	closeFeed(t, subscriber)
	_, again := f.subscribe(t, "relay")
	drain(t, again, 10, 12)
}

func everyGroupGetsAll(t *testing.T, f feeds) {
	f.fill(t, "a", 20)
	for _, group := range []string{"relay", "audit"} {
		_, messages := f.subscribe(t, group)
		drain(t, messages, 0, 20)
	}
}

func oneHoldsAFrame(t *testing.T, f feeds) {
	const total = 140
	var (
		mu      sync.Mutex
		holding bool
		seen    int64
		group   sync.WaitGroup
		done    = make(chan struct{})
		finish  = sync.OnceFunc(func() { close(done) })
	)
	for range 2 {
		_, messages := f.subscribe(t, "relay")
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				case m, ok := <-messages:
					if !ok {
						return
					}
					frame := decodeFrame(t, m)
					mu.Lock()
					if holding {
						t.Error("two hold a frame")
					}
					if frame.First != seen+1 {
						t.Errorf("a frame begins at %d after %d", frame.First, seen)
					}
					holding = true
					mu.Unlock()
					if _, err := f.store.Head(t.Context()); err != nil { // holding it takes a while
						t.Errorf("Head: %v", err)
					}
					mu.Lock()
					holding, seen = false, frame.Last
					if seen >= total {
						finish()
					}
					mu.Unlock()
					m.Ack()
				case <-time.After(frameWithin):
					t.Errorf("waited %v in vain for a frame", frameWithin)
					return
				}
			}
		})
	}
	f.fill(t, "a", total)
	group.Wait()
}

func closedSubscriberIsOver(t *testing.T, f feeds) {
	subscriber, messages := f.subscribe(t, "relay")
	closeFeed(t, subscriber)
	if m, ok := <-messages; ok {
		t.Errorf("got message %s from a closed subscriber", m.UUID)
	}
	if _, err := subscriber.Subscribe(t.Context(), "sms.events"); err == nil {
		t.Error("Subscribe after Close gave no error")
	}
}
