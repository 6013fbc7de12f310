package porttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

const (
	writers       = 4
	callsByWriter = 12
)

// contend lets writers append at once, to streams of their own and to one that
// all of them want, so that conflicts are mixed in. It returns how many events
// were accepted.
func contend(t *testing.T, store ports.EventStore) int {
	t.Helper()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		total int
	)
	for w := range writers {
		group.Go(func() {
			for call := range callsByWriter {
				own := write(fmt.Sprintf("own-%d", w), 2*call, 2)
				results, err := store.Append(t.Context(), write("wanted", call, 1), own, write("stale", 9, 1))
				if err != nil {
					t.Errorf("writer %d, call %d: %v", w, call, err)
					return
				}
				n := 2
				if results[0].Err == nil {
					n++
				}
				if results[1].Err != nil || !errors.Is(results[2].Err, ports.ErrConflict) {
					t.Errorf("writer %d, call %d: %v", w, call, results)
				}
				mu.Lock()
				total += n
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return total
}

func positionsAreGapless(t *testing.T, store ports.EventStore) {
	total := contend(t, store)
	log := readLog(t, store)
	if len(log) != total {
		t.Fatalf("the log has %d events, %d were accepted", len(log), total)
	}
	versions := make(map[string]int)
	for i, e := range log {
		if e.Position != int64(i)+1 {
			t.Fatalf("event %d has position %d", i, e.Position)
		}
		versions[e.StreamID]++
		if e.Version != versions[e.StreamID] {
			t.Errorf("position %d: version %d of %s, want %d", e.Position, e.Version, e.StreamID, versions[e.StreamID])
		}
	}
	for w := range writers {
		if got := versions[fmt.Sprintf("own-%d", w)]; got != 2*callsByWriter {
			t.Errorf("writer %d has %d events, want %d", w, got, 2*callsByWriter)
		}
	}
}

func readersNeverSkip(t *testing.T, store ports.EventStore) {
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			position, last := int64(0), false
			for !last {
				select {
				case <-done:
					last = true // one read more, to see the end
				default:
				}
				page, err := store.Read(t.Context(), position, 1000)
				if err != nil {
					t.Errorf("Read after %d: %v", position, err)
					return
				}
				for _, e := range page {
					if e.Position != position+1 {
						t.Errorf("saw position %d after %d", e.Position, position)
						return
					}
					position = e.Position
				}
			}
			if want := head(t, store).LastPosition; position != want {
				t.Errorf("the reader ended at %d, the log at %d", position, want)
			}
		})
	}
	contend(t, store)
	close(done)
	readers.Wait()
}

func oneOfTwoWins(t *testing.T, store ports.EventStore) {
	for round := range 10 {
		results := make([]ports.Result, 2)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				got, err := store.Append(t.Context(), write("a", round, 1))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				results[i] = got[0]
			})
		}
		group.Wait()
		if (results[0].Err == nil) == (results[1].Err == nil) {
			t.Fatalf("round %d: %v and %v, want one winner", round, results[0].Err, results[1].Err)
		}
		if n := len(load(t, store, "a")); n != round+1 {
			t.Fatalf("round %d left %d events", round, n)
		}
	}
}

func recordedAtNeverDecreases(t *testing.T, store ports.EventStore) {
	contend(t, store)
	log, commits := readLog(t, store), readCommits(t, store)
	var last time.Time
	for _, c := range commits {
		if c.RecordedAt.Before(last) {
			t.Errorf("commit %d is of %v, the one before of %v", c.FirstPosition, c.RecordedAt, last)
		}
		if c.RecordedAt.Location() != time.UTC || !c.RecordedAt.Equal(c.RecordedAt.Truncate(time.Microsecond)) {
			t.Errorf("commit %d is of %v, want UTC and whole microseconds", c.FirstPosition, c.RecordedAt)
		}
		last = c.RecordedAt
		for _, e := range span(log, c) {
			if !e.RecordedAt.Equal(c.RecordedAt) {
				t.Errorf("position %d is of %v, its commit of %v", e.Position, e.RecordedAt, c.RecordedAt)
			}
		}
	}
}

// span returns the events of a commit out of the whole log.
func span(log []events.Recorded, c ports.Commit) []events.Recorded {
	return log[c.FirstPosition-1 : c.LastPosition]
}
