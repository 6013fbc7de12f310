package sqlite

import (
	"sync"

	"github.com/pro-sms/prosms/events"
)

// tail holds the last commits of the log in memory, without gaps and not decoded: feeds
// that follow the log closely need no query for them. The zero value is ready.
type tail struct {
	mu      sync.Mutex
	commits [][]events.Recorded
	size    int // events in commits
}

// tailSize bounds the events that are held: frames enough for a feed that waits for
// its consumer.
const tailSize = 4 * frameSize

// add adds the events of a commit. Commits may be reported out of order; what does not
// join on begins anew, and what came before that is no longer held.
func (t *tail) add(commit []events.Recorded) {
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
	for t.size > tailSize {
		t.size -= len(t.commits[0])
		t.commits[0] = nil
		t.commits = t.commits[1:]
	}
}

// after returns up to limit events after position; none where the next is not held.
func (t *tail) after(position int64, limit int) (page []events.Recorded) {
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

// drop forgets all events, after those in the file were changed.
func (t *tail) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits, t.size = nil, 0
}

func lastOf(commit []events.Recorded) int64 { return commit[len(commit)-1].Position }
