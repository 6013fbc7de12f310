package sandbox

import (
	"fmt"
	"sync"
	"time"
)

// Counts sums up what a sandbox has seen, in part since its ledger file was begun.
type Counts struct {
	Accepted   int64 `json:"accepted"`   // creates taken on, whatever was answered; survives a restart
	Duplicates int64 `json:"duplicates"` // of these, beyond the first with the same message id; survives a restart
	Forgotten  int64 `json:"forgotten"`  // of these, no longer among the entries
	Requests   int64 `json:"requests"`   // creates that arrived, since the start

	CallbacksDelivered int64 `json:"callbacks_delivered"` // answered with a 2xx
	CallbacksLost      int64 `json:"callbacks_lost"`      // given up, dropped on purpose, or never begun for want of room
}

// ledger remembers the newest messages, and counts all.
type ledger struct {
	mu     sync.Mutex
	keep   int
	counts Counts
	order  []*Message // oldest first; those before start are forgotten
	start  int
	bySID  map[string]*Message
	byTo   map[string][]*Message // oldest first
	byID   map[string]int        // acceptances by message id
	file   *ledgerFile           // nil: none

	changed *signal // nil: nobody looks
}

// openLedger returns the ledger that the file at path holds; "" means an empty one
// without a file.
func openLedger(path string, keep int) (*ledger, error) {
	l := &ledger{
		keep:  keep,
		bySID: map[string]*Message{}, byTo: map[string][]*Message{}, byID: map[string]int{},
	}
	if path == "" {
		return l, nil
	}
	file, err := openLedgerFile(path, l.replay)
	if err != nil {
		return nil, err
	}
	l.file = file
	return l, nil
}

// accept remembers m. It is written down before accept returns, so that whoever
// is told of the acceptance finds it after a crash of the process too.
func (l *ledger) accept(m Message) error {
	raw, err := l.file.encode(line{Accepted: &m}) // out of the lock
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.write(raw); err != nil {
		return fmt.Errorf("writing ledger: %w", err)
	}
	l.add(m)
	l.tell()
	return nil
}

func (l *ledger) tell() {
	if l.changed != nil {
		l.changed.raise()
	}
}

func (l *ledger) add(m Message) {
	l.counts.Accepted++
	if m.MessageID != "" {
		if l.byID[m.MessageID]++; l.byID[m.MessageID] > 1 {
			l.counts.Duplicates++
		}
	}
	kept := &m
	l.order = append(l.order, kept)
	l.bySID[m.SID] = kept
	l.byTo[m.To] = append(l.byTo[m.To], kept)
	for len(l.order)-l.start > l.keep {
		l.forget()
	}
}

// forget drops the oldest message, which is also the first to its number.
func (l *ledger) forget() {
	m := l.order[l.start]
	l.order[l.start] = nil
	l.start++
	if l.start > l.keep {
		l.order, l.start = append([]*Message(nil), l.order[l.start:]...), 0
	}
	delete(l.bySID, m.SID)
	if l.byTo[m.To] = l.byTo[m.To][1:]; len(l.byTo[m.To]) == 0 {
		delete(l.byTo, m.To)
	}
	if l.byID[m.MessageID]--; l.byID[m.MessageID] <= 0 {
		delete(l.byID, m.MessageID)
	}
	l.counts.Forgotten++
}

// change alters a message, unless it is not known or alter says no, and returns it
// as it then is.
func (l *ledger) change(sid string, at time.Time, alter func(*Message) bool) (Message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.bySID[sid]
	if m == nil {
		return Message{}, false
	}
	changed := *m
	if changed.UpdatedAt = at; !alter(&changed) {
		return *m, false
	}
	if changed.Finished || changed.Deleted || changed.Body != m.Body {
		// A status that others follow is not worth a line: after a restart they
		// are all sent again. Nor is a failure worth more than the message.
		if raw, err := l.file.encode(line{Changed: &changed}); err == nil {
			_ = l.file.write(raw)
		}
	}
	*m = changed
	l.tell()
	return changed, true
}

// count alters the counts.
func (l *ledger) count(alter func(*Counts)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	alter(&l.counts)
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.close()
}
