package sandbox

import "slices"

// snapshot returns the counts.
func (l *ledger) snapshot() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// get returns a message that has not been deleted.
func (l *ledger) get(sid string) (Message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.bySID[sid]
	if m == nil || m.Deleted {
		return Message{}, false
	}
	return *m, true
}

// newest returns up to limit messages that match, newest first, after skipping
// skip of them, and whether there are more. An empty to means any recipient.
func (l *ledger) newest(to string, skip, limit int, match func(*Message) bool) (found []Message, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.order[l.start:]
	if to != "" {
		from = l.byTo[to]
	}
	for _, m := range slices.Backward(from) {
		switch {
		case !match(m):
		case skip > 0:
			skip--
		case len(found) == limit:
			return found, true
		default:
			found = append(found, *m)
		}
	}
	return found, false
}

// entries returns up to limit messages in the order of acceptance, after skipping
// the first after ever accepted, and the number to go on from.
func (l *ledger) entries(after int64, limit int) (found []Message, next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.order[l.start:]
	next = max(after, l.counts.Forgotten)
	i := min(next-l.counts.Forgotten, int64(len(kept)))
	for _, m := range kept[i:] {
		if len(found) == limit {
			break
		}
		found = append(found, *m)
		next++
	}
	return found, next
}

// unfinished returns the messages that still have statuses to come.
func (l *ledger) unfinished() []Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Message
	for _, m := range l.order[l.start:] {
		if !m.Finished && !m.Deleted {
			found = append(found, *m)
		}
	}
	return found
}

// acceptances returns how often each message id was accepted, among those kept,
// where that was more than once.
func (l *ledger) acceptances() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]int{}
	for id, n := range l.byID {
		if n > 1 {
			found[id] = n
		}
	}
	return found
}
