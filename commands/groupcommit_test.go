package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestGroupCommitObeysTheLawsOfTheStore(t *testing.T) {
	porttest.EventStore(t, func(*testing.T) ports.EventStore {
		return &GroupCommit{EventStore: &memory.EventStore{}}
	})
}

// gated is a store whose appends wait for a token each.
type gated struct {
	ports.EventStore
	tokens  chan struct{}
	lost    string // a commit that begins with this stream is never answered
	mu      sync.Mutex
	commits [][]ports.Write
}

func (g *gated) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	g.mu.Lock()
	g.commits = append(g.commits, writes)
	g.mu.Unlock()
	if writes[0].StreamID == g.lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-g.tokens:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.EventStore.Append(ctx, writes...)
}

func newGated() *gated {
	return &gated{EventStore: &memory.EventStore{}, tokens: make(chan struct{}, 100)}
}

func write(streamID string, expected int, requires ...ports.Require) ports.Write {
	return ports.Write{
		StreamID: streamID, Expected: expected,
		Events: []events.Event{events.MessageCanceled{By: "test"}}, Requires: requires,
	}
}

// begin starts an append and returns when it waits, for a token or for its turn.
func begin(t *testing.T, g *GroupCommit, w ...ports.Write) (result func() (ports.Result, error)) {
	t.Helper()
	type answer struct {
		results []ports.Result
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		results, err := g.Append(t.Context(), w...)
		answers <- answer{results, err}
	}()
	synctest.Wait()
	return func() (ports.Result, error) {
		a := <-answers
		if a.err != nil {
			return ports.Result{}, a.err
		}
		return a.results[0], a.results[0].Err
	}
}

func TestAppendsThatArriveDuringACommitShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1}
		first := begin(t, g, write("first", 0))
		var rest []func() (ports.Result, error)
		for i := range 5 {
			rest = append(rest, begin(t, g, write(fmt.Sprint("later", i), 0)))
		}
		store.tokens <- struct{}{}
		store.tokens <- struct{}{}
		if _, err := first(); err != nil {
			t.Error(err)
		}
		for i, result := range rest {
			r, err := result()
			if err != nil || r.FirstPosition != int64(i+2) {
				t.Errorf("append %d: position %d, %v; want %d, so that order is kept", i, r.FirstPosition, err, i+2)
			}
		}
		if len(store.commits) != 2 || len(store.commits[1]) != 5 {
			t.Errorf("%d commits, the last of %d writes; want 2 and 5", len(store.commits), len(store.commits[len(store.commits)-1]))
		}
	})
}

func TestOnlyAFullBatchIsWrittenBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, MaxEvents: 2}
		var results []func() (ports.Result, error)
		for i, commits := range []int{1, 1, 2, 2, 2} { // under way after each append
			results = append(results, begin(t, g, write(fmt.Sprint("stream", i), 0)))
			if len(store.commits) != commits {
				t.Errorf("append %d: %d commits are under way, want %d", i, len(store.commits), commits)
			}
		}
		for range 3 {
			store.tokens <- struct{}{}
		}
		for i, result := range results {
			if _, err := result(); err != nil {
				t.Errorf("append %d: %v", i, err)
			}
		}
		if len(store.commits) != 3 {
			t.Errorf("%d commits, want 3", len(store.commits))
		}
	})
}

func TestTwoAppendsToOneStreamNeverShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1}
		blocker := begin(t, g, write("blocker", 0))
		one := begin(t, g, write("stream", 0))
		two := begin(t, g, write("stream", 1))
		dependent := begin(t, g, write("other", 0, ports.Require{StreamID: "stream", Version: 2}))
		for range 4 {
			store.tokens <- struct{}{}
		}
		for name, result := range map[string]func() (ports.Result, error){"blocker": blocker, "one": one, "two": two, "dependent": dependent} {
			if _, err := result(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(store.commits) != 4 {
			t.Errorf("%d commits, want 4", len(store.commits))
		}
	})
}

func TestAFailedCommitFailsEveryAppendInItAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1}
		lost := begin(t, g, write("lost", 0)) // no token: its commit runs into its timeout
		if _, err := lost(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a timeout", err)
		}
		if err := g.Failing(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("failing: %v, want the timeout", err)
		}
		store.tokens <- struct{}{}
		if _, err := begin(t, g, write("next", 0))(); err != nil {
			t.Errorf("the append after a failed commit: %v", err)
		}
		if err := g.Failing(); err != nil {
			t.Errorf("failing after one that succeeded: %v", err)
		}
	})
}

func TestACommitThatIsNotAnsweredHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		store.lost = "lost"
		g := &GroupCommit{EventStore: store}
		underWay := func() [][]ports.Write {
			synctest.Wait()
			store.mu.Lock()
			defer store.mu.Unlock()
			return store.commits
		}
		lost := begin(t, g, write("lost", 0))
		waiting := begin(t, g, write("waiting", 0))
		also := begin(t, g, write("also", 0))
		time.Sleep(499 * time.Millisecond)
		if commits := underWay(); len(commits) != 1 {
			t.Fatalf("%d commits are under way after 499 ms, want 1", len(commits))
		}
		time.Sleep(time.Millisecond)
		if commits := underWay(); len(commits) != 2 || len(commits[1]) != 2 {
			t.Fatalf("%d commits are under way after 500 ms, want another of all that waits", len(commits))
		}
		behind := begin(t, g, write("behind", 0))
		time.Sleep(time.Second)
		if commits := underWay(); len(commits) != 2 {
			t.Fatalf("%d commits are under way, want 2 at the most", len(commits))
		}
		store.tokens <- struct{}{}
		store.tokens <- struct{}{}
		for name, result := range map[string]func() (ports.Result, error){"waiting": waiting, "also": also, "behind": behind} {
			if _, err := result(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		later := begin(t, g, write("later", 0))
		store.tokens <- struct{}{}
		if _, err := later(); err != nil {
			t.Errorf("with nothing before it but what hangs: %v", err)
		}
		if _, err := lost(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("what hangs: %v, want a timeout", err)
		}
		for i := range 2 { // and all is as before
			next := begin(t, g, write(fmt.Sprint("next", i), 0))
			store.tokens <- struct{}{}
			if _, err := next(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestACallerThatGivesUpHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1}
		first := begin(t, g, write("first", 0))
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := g.Append(ctx, write("abandoned", 0))
			gaveUp <- err
		}()
		synctest.Wait()
		last := begin(t, g, write("last", 0))
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		store.tokens <- struct{}{}
		store.tokens <- struct{}{}
		if _, err := first(); err != nil {
			t.Error(err)
		}
		if _, err := last(); err != nil {
			t.Error(err)
		}
		if recorded, _ := store.Load(t.Context(), "abandoned"); len(recorded) != 0 {
			t.Error("what was abandoned while it waited was written")
		}
	})
}

func TestACallerGivesUpDuringACommitThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1}
		first := begin(t, g, write("first", 0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gaveUp := make(chan error, 1)
		go func() {
			_, err := g.Append(ctx, write("leader", 0))
			gaveUp <- err
		}()
		synctest.Wait()
		second := begin(t, g, write("beside", 0))
		store.tokens <- struct{}{}
		if _, err := first(); err != nil {
			t.Error(err)
		}
		if err := <-gaveUp; !errors.Is(err, context.DeadlineExceeded) { // its batch is being written, and hangs
			t.Errorf("got %v, want DeadlineExceeded", err)
		}
		store.tokens <- struct{}{}
		if _, err := second(); err != nil {
			t.Errorf("the append in the batch of one that gave up: %v", err)
		}
		g.Wait()
		if recorded, _ := store.Load(t.Context(), "leader"); len(recorded) != 1 {
			t.Errorf("%d events of the one that gave up, want 1", len(recorded))
		}
	})
}

func TestAppendsBeyondTheBoundAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGated()
		g := &GroupCommit{EventStore: store, Writers: 1, MaxWaiting: 2}
		writing := begin(t, g, write("writing", 0))
		waiting := []func() (ports.Result, error){begin(t, g, write("a", 0)), begin(t, g, write("b", 0))}
		if _, err := g.Append(t.Context(), write("c", 0)); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		store.tokens <- struct{}{}
		store.tokens <- struct{}{}
		for _, result := range append(waiting, writing) {
			if _, err := result(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestGroupCommitKeepsKeysByTheirLaws(t *testing.T) {
	porttest.Keys(t, func(*testing.T) (ports.EventStore, ports.Keyring) {
		s := new(memory.EventStore)
		return &GroupCommit{EventStore: s}, s.Keyring()
	})
}
