// Package tail keeps the end of a log in memory.
package tail

import (
	"sync"

	"github.com/pro-sms/prosms/events"
)

// Tail holds the last commits that this process made, without gaps and not decoded:
// feeds that follow the log closely need no query for them. The zero value is ready,
// and safe for concurrent use.
type Tail struct {
	mu      sync.Mutex
	commits [][]events.Recorded
	size    int // events in commits
}

// Size bounds the events that are held: frames enough for a feed that waits for its
// consumer.
const Size = 8000

// Add adds the events of a commit. Commits may be reported out of order; what does not
// join on begins anew, and what came before that is no longer held.
func (t *Tail) Add(commit []events.Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.commits) > 0 {
		next := lastOf(t.commits[len(t.commits)-1]) + 1
		if commit[0].Position < next {
			return
		}
		if commit[0].Position > next {
			t.commits, t.size = nil, 0
		}
	}
	t.commits, t.size = append(t.commits, commit), t.size+len(commit)
	for t.size > Size {
		t.size -= len(t.commits[0])
		t.commits[0] = nil
		t.commits = t.commits[1:]
	}
}

// After returns up to limit events after position; none where the next is not held.
func (t *Tail) After(position int64, limit int) (page []events.Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := len(t.commits)
	for from > 0 && lastOf(t.commits[from-1]) > position {
		from--
	}
	if from == len(t.commits) || t.commits[from][0].Position > position+1 {
		return nil
	}
	last := lastOf(t.commits[len(t.commits)-1])
	page = make([]events.Recorded, 0, min(int64(limit), last-position))
	for _, commit := range t.commits[from:] {
		if skip := position + 1 - commit[0].Position; skip > 0 {
			commit = commit[skip:]
		}
		page = append(page, commit[:min(len(commit), limit-len(page))]...)
	}
	return page
}

// Holds reports whether the event at position is held and has that digest. Then all
// that is held up to there is of the log that has it: digests cover position and time.
func (t *Tail) Holds(position int64, digest events.Hash) bool {
	page := t.After(position-1, 1)
	return len(page) == 1 && page[0].Digest == digest
}

// Drop forgets all events, after those in the log were changed.
func (t *Tail) Drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits, t.size = nil, 0
}

func lastOf(commit []events.Recorded) int64 { return commit[len(commit)-1].Position }
