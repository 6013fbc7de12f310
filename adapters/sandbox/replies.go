package sandbox

import (
	"sync"
	"time"
)

// keepReplies is how many texts from phones the page remembers, newest last. They
// do not outlive the process.
const keepReplies = 200

// reply is a text from a phone.
type reply struct {
	From, To, Body string
	At             time.Time
	Fault          string // why the other side did not take it; empty: it did
}

type replies struct {
	mu  sync.Mutex
	all []reply
}

func (r *replies) add(one reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
	r.all = r.all[max(0, len(r.all)-keepReplies):]
}

// of returns those of a phone, oldest first.
func (r *replies) of(number string) []reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []reply
	for _, one := range r.all {
		if one.From == number {
			found = append(found, one)
		}
	}
	return found
}
