package commands

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// GroupCommit gathers the appends of concurrent callers into few commits: while
// one commit is being written, the next batch gathers, since commits take turns
// anyhow. Only a batch that is full does not wait for its turn, and the one after a
// commit that is not answered, as when a connection is lost without a word: that one
// then comes later, or not at all, as any two commits of two instances. No timer holds
// anything back, so a lone append is one commit. Guarantees are those of EventStore.
//
// A caller whose batch is due has it written for all in it, by a goroutine that
// ends with the commit, or with Timeout. Wait awaits those.
type GroupCommit struct {
	ports.EventStore
	MaxEvents  int           // in a commit, unless one Append brings more; 0: 512
	Writers    int           // commits under way at once, all but one of them full; 0: 2
	MaxWaiting int           // events that may wait, beyond that ErrUnavailable; 0: 20,000
	Timeout    time.Duration // of one commit; 0: 15 s
	Patience   time.Duration // with a commit, before the next batch does not wait for it; 0: 500 ms

	mu      sync.Mutex
	queue   []*pending
	waiting int   // events in queue
	active  int   // batches being written
	stalled int   // of those, 1 if the next does not wait for it
	failed  error // of the last commit
	writing sync.WaitGroup
}

// pending is the Append of one caller.
type pending struct {
	writes  []ports.Write
	events  int
	lead    chan struct{} // closed: write a batch that begins with yourself
	done    chan struct{} // closed: results and err are set
	results []ports.Result
	err     error
}

// Append is EventStore's. When ctx ends while the append waits or is written, its
// outcome is unknown.
func (g *GroupCommit) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("appending: %w", err)
	}
	p := &pending{writes: writes, lead: make(chan struct{}), done: make(chan struct{})}
	for _, w := range writes {
		if len(w.Events) == 0 {
			// The store would refuse the whole commit, and others have a part in it.
			return nil, fmt.Errorf("appending to stream %s: no events", w.StreamID)
		}
		p.events += len(w.Events)
	}
	batch, err := g.enter(p)
	if err != nil {
		return nil, err
	}
	if batch == nil {
		select {
		case <-p.done:
			return p.results, p.err
		case <-p.lead:
			batch = g.gather(p)
		case <-ctx.Done():
			return nil, g.abandon(p, ctx.Err())
		}
	}
	// The commit is everybody's: it does not end with the ctx of one caller, and
	// no caller waits for it longer than it wants.
	g.writing.Go(func() { g.write(context.WithoutCancel(ctx), batch) })
	select {
	case <-p.done:
		return p.results, p.err
	case <-ctx.Done():
		return nil, fmt.Errorf("appending: %w", ctx.Err())
	}
}

// Wait returns when nothing is being written any more. Call it after the last Append.
func (g *GroupCommit) Wait() { g.writing.Wait() }

// Failing returns what the last commit failed with, and nil once one has succeeded: a
// store whose disk is full answers well when it is asked whether it is there.
func (g *GroupCommit) Failing() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed != nil {
		return fmt.Errorf("the last append failed: %w", g.failed)
	}
	return nil
}

// enter returns the batch to write, or nil when p has to wait.
func (g *GroupCommit) enter(p *pending) ([]*pending, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active == g.stalled {
		g.active++
		return []*pending{p}, nil
	}
	if g.waiting+p.events > orDefault(g.MaxWaiting, 20_000) && g.waiting > 0 {
		return nil, fmt.Errorf("appending %d events behind %d others: %w", p.events, g.waiting, ports.ErrUnavailable)
	}
	g.queue = append(g.queue, p)
	g.waiting += p.events
	if g.active < orDefault(g.Writers, 2) && g.full() {
		g.active++
		g.handOver()
	}
	return nil, nil
}

// full reports whether what waits makes a whole commit. It needs g.mu.
func (g *GroupCommit) full() bool { return g.waiting >= orDefault(g.MaxEvents, 512) }

// gather takes from the queue what can share a commit with leader, in order.
func (g *GroupCommit) gather(leader *pending) []*pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch, size := []*pending{leader}, leader.events
	var touched streams
	touched.add(leader)
	rest := g.queue[:0]
	for i, p := range g.queue {
		if size+p.events > orDefault(g.MaxEvents, 512) {
			rest = append(rest, g.queue[i:]...)
			break
		}
		if touched.conflict(p) {
			// What comes later for the same streams must not overtake it.
			touched.add(p)
			rest = append(rest, p)
			continue
		}
		touched.add(p)
		batch, size = append(batch, p), size+p.events
		g.waiting -= p.events
	}
	clear(g.queue[len(rest):])
	g.queue = rest
	return batch
}

// write commits batch, answers its callers and hands the turn on.
func (g *GroupCommit) write(ctx context.Context, batch []*pending) {
	var all []ports.Write
	for _, p := range batch {
		all = append(all, p.writes...)
	}
	ctx, cancel := context.WithTimeout(ctx, orDefault(g.Timeout, 15*time.Second))
	defer cancel()
	answered := g.watch()
	results, err := g.EventStore.Append(ctx, all...)
	g.mu.Lock()
	g.failed = err // before anybody is answered, who may ask
	g.mu.Unlock()
	for _, p := range batch {
		if p.err = err; err == nil {
			p.results, results = results[:len(p.writes):len(p.writes)], results[len(p.writes):]
		}
		close(p.done)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answered()
	g.handOver()
}

// watch lets the next batch go beside a commit that takes too long. Call answered with
// g.mu when it has ended.
func (g *GroupCommit) watch() (answered func()) {
	var over, stalled bool
	timer := time.AfterFunc(orDefault(g.Patience, 500*time.Millisecond), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if over || g.stalled > 0 {
			return
		}
		stalled = true
		g.stalled++
		if g.active == g.stalled && len(g.queue) > 0 {
			g.active++
			g.handOver()
		}
	})
	return func() {
		timer.Stop()
		if over = true; stalled {
			g.stalled--
		}
	}
}

// handOver lets the first in the queue write the next batch. It needs g.mu.
func (g *GroupCommit) handOver() {
	if len(g.queue) == 0 || g.active-g.stalled > 1 && !g.full() {
		g.active--
		return
	}
	next := g.queue[0]
	g.queue[0] = nil
	g.queue = g.queue[1:]
	g.waiting -= next.events
	close(next.lead)
}

// abandon takes p out of the queue. What is in a batch already goes its way.
func (g *GroupCommit) abandon(p *pending, cause error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, waiting := range g.queue {
		if waiting == p {
			g.queue = append(g.queue[:i:i], g.queue[i+1:]...)
			g.waiting -= p.events
			return fmt.Errorf("waiting to append: %w", cause)
		}
	}
	select {
	case <-p.lead: // its turn came just now, and somebody has to take it
		g.handOver()
	default:
	}
	return fmt.Errorf("appending: %w", cause)
}

// streams are those that a batch writes or depends on.
type streams struct{ written, required map[string]bool }

func (s *streams) add(p *pending) {
	if s.written == nil {
		s.written, s.required = map[string]bool{}, map[string]bool{}
	}
	for _, w := range p.writes {
		s.written[w.StreamID] = true
		for _, r := range w.Requires {
			s.required[r.StreamID] = true
		}
	}
}

func (s *streams) conflict(p *pending) bool {
	for _, w := range p.writes {
		if s.written[w.StreamID] || s.required[w.StreamID] {
			return true
		}
		for _, r := range w.Requires {
			if s.written[r.StreamID] {
				return true
			}
		}
	}
	return false
}

// orDefault returns v, or def where v is zero.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
