package commands

import (
	"slices"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
)

// mostGathered bounds the sightings in each of the two generations of a gathering.
const mostGathered = 100_000

// gathering is what this instance has seen of blocks whose samples are not complete.
// When there is too much of it, the blocks that were not seen for longest go first:
// those that are pumped are seen often. It is for one goroutine at a time.
type gathering struct {
	young, old map[fuse.Block]*gathered
	size       int // sightings in young
	unshared   map[fuse.Block]struct{}
}

type gathered struct {
	since  time.Time // of the first
	seen   []ports.Sighting
	shared int // of seen
}

// add adds a text to a number of block, and returns its sample if that is complete; the
// block then begins anew.
func (g *gathering) add(rule fuse.Rule, now time.Time, block fuse.Block, s ports.Sighting) []ports.Sighting {
	one := g.of(rule, now, block)
	if slices.ContainsFunc(one.seen, func(k ports.Sighting) bool { return k.Number == s.Number }) {
		return nil
	}
	one.seen = append(one.seen, s)
	g.size++
	if len(one.seen) >= rule.Texts {
		g.drop(block)
		return one.seen
	}
	if 10*len(one.seen) >= rule.Texts {
		if g.unshared == nil {
			g.unshared = map[fuse.Block]struct{}{}
		}
		g.unshared[block] = struct{}{}
	}
	return nil
}

// of returns what is gathered of a block, in the young generation.
func (g *gathering) of(rule fuse.Rule, now time.Time, block fuse.Block) *gathered {
	one, young := g.young[block]
	if !young {
		one = g.old[block]
		delete(g.old, block)
	}
	if one != nil && now.Sub(one.since) >= rule.Window {
		if young {
			g.size -= len(one.seen)
		}
		one, young = nil, false
	}
	if one == nil {
		one = &gathered{since: now}
	}
	if young {
		return one
	}
	if g.young == nil || g.size >= mostGathered {
		g.old, g.young, g.size = g.young, map[fuse.Block]*gathered{}, 0
	}
	g.young[block] = one
	g.size += len(one.seen)
	return one
}

// drop forgets a block.
func (g *gathering) drop(block fuse.Block) {
	if one := g.young[block]; one != nil {
		g.size -= len(one.seen)
	}
	delete(g.young, block)
	delete(g.old, block)
	delete(g.unshared, block)
}

// mostShared bounds the blocks that are shared in one call.
const mostShared = 500

// share returns what was seen, since it was last called, of blocks of which there is a
// tenth of a sample: of the many others no sample comes.
func (g *gathering) share() map[fuse.Block][]ports.Sighting {
	seen := map[fuse.Block][]ports.Sighting{}
	for block := range g.unshared {
		if len(seen) == mostShared {
			break
		}
		delete(g.unshared, block)
		one := g.young[block]
		if one == nil {
			one = g.old[block]
		}
		if one != nil {
			seen[block] = one.seen[one.shared:len(one.seen):len(one.seen)]
			one.shared = len(one.seen)
		}
	}
	return seen
}

// trickle remembers a few of all texts, so that samples have something to be compared
// with: some hundred of the time that a sample waits for its receipts, and as many
// before. It is for one goroutine at a time.
type trickle struct {
	texts [256]trickled
	next  int
	last  time.Time
}

type trickled struct {
	at    time.Time
	block fuse.Block
	id    string
}

// add adds a text, unless the last one was just before.
func (t *trickle) add(now time.Time, wait time.Duration, block fuse.Block, id string) {
	if now.Sub(t.last) < wait/time.Duration(len(t.texts)/2) {
		return
	}
	t.last, t.texts[t.next] = now, trickled{now, block, id}
	t.next = (t.next + 1) % len(t.texts)
}

// before returns up to n texts of at or earlier to other blocks, the latest first.
func (t *trickle) before(at time.Time, block fuse.Block, n int) (ids []string) {
	for i := range t.texts {
		one := t.texts[(t.next-1-i+2*len(t.texts))%len(t.texts)]
		if len(ids) == n || one.id == "" {
			break
		}
		if one.block != block && !one.at.After(at) {
			ids = append(ids, one.id)
		}
	}
	return ids
}
